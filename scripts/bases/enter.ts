import { fileURLToPath } from 'node:url'
import { type Outcome, type RunOptions, run } from './process.ts'

/** A host path and where it shows in the root; `inner` is made if it is missing. */
export interface Bind {
  readonly host: string
  readonly inner: string
}

export interface EnterOptions extends RunOptions {
  readonly binds?: readonly Bind[] | undefined
  /** Read-only root, with empty in-memory folders where programs write (`/tmp`, `/run`, `/root`, `/var/log` …). */
  readonly readOnly?: boolean | undefined
}

/**
 * The command line that runs `command` with `root` as its root directory, in its own mount and PID namespaces and on
 * the host's network. When the first process ends, every process and mount of it is gone. Needs root.
 */
export function enterCommand(root: string, command: readonly string[], options: EnterOptions = {}): readonly string[] {
  const binds = options.binds ?? []
  const script = fileURLToPath(new URL('enter.sh', import.meta.url))
  const pairs = binds.flatMap(bind => [bind.host, bind.inner])
  const unshare = ['unshare', '--mount', '--pid', '--fork', '--kill-child']
  return [...unshare, 'sh', script, root, options.readOnly ? 'ro' : 'rw', String(binds.length), ...pairs, ...command]
}

/** The environment inside: a plain one, so that the caller's settings (proxies aside) do not leak into results. */
export function enterEnv(options: EnterOptions): NodeJS.ProcessEnv {
  const proxies = Object.entries(process.env).filter(([name]) => /^(https?|no|all)_proxy$/i.test(name))
  return {
    PATH: process.env.PATH,
    HOME: '/root',
    LANG: 'C.UTF-8',
    ...Object.fromEntries(proxies),
    ...options.env,
    ...(options.cwd === undefined ? {} : { ENTER_CWD: options.cwd }),
  }
}

/** Runs a command in a root to its end; `cwd` and `env` are those inside. */
export function enter(root: string, command: readonly string[], options: EnterOptions = {}): Promise<Outcome> {
  const [program, ...args] = enterCommand(root, command, options) as [string, ...string[]]
  return run(program, args, { input: options.input, timeoutMs: options.timeoutMs, env: enterEnv(options) })
}
