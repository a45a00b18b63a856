import { spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const SHALE = fileURLToPath(new URL('../../bin/shale', import.meta.url))

export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  readonly seconds: number
}

/** The command line as a user has it, with a store of the demo's own. */
export class Shale {
  readonly #root: string

  constructor(root: string) {
    this.#root = root
  }

  /** Runs a command and gives what it printed; an exit code that is not 0 ends the demo. */
  run(args: readonly string[], options: { readonly cwd?: string; readonly input?: string } = {}): Outcome {
    const start = performance.now()
    const { status, stdout, stderr } = spawnSync(process.execPath, [SHALE, ...args], {
      cwd: options.cwd,
      input: options.input,
      env: this.#env(),
      encoding: 'utf8',
      maxBuffer: 256 * 1024 * 1024,
    })
    const outcome = { code: status ?? 1, stdout, stderr, seconds: (performance.now() - start) / 1000 }
    if (outcome.code !== 0) throw new Error(`shale ${args.join(' ')} ended with ${outcome.code}:\n${stderr}${stdout}`)
    return outcome
  }

  /** Starts a command that goes on until `stop`. */
  start(args: readonly string[]): { readonly stop: () => Promise<void>; readonly output: () => string } {
    const child = spawn(process.execPath, [SHALE, ...args], { env: this.#env(), stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', data => (output += String(data)))
    const ended = new Promise<void>(resolve => child.once('close', () => resolve()))
    return {
      output: () => output,
      stop: async () => {
        child.kill('SIGTERM')
        await ended
      },
    }
  }

  #env(): NodeJS.ProcessEnv {
    return { ...process.env, SHALE_ROOT: this.#root }
  }
}
