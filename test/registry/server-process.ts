import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const BIN = fileURLToPath(new URL('../../bin/shale', import.meta.url))

/** `shale registry serve` as a process of its own. */
export interface ServerProcess {
  readonly url: string
  /** `127.0.0.1:PORT`, as it stands in front of an image's name. */
  readonly host: string
  readonly pid: number
  /** What it wrote to standard error. */
  readonly log: () => string
  /** Sends the signal, SIGTERM if absent, and waits for the end; the exit code, null when a signal ended it. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<number | null>
}

/** Starts it on a free port and returns when it listens. */
export async function startServe(
  root: string,
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<ServerProcess> {
  const given = args.some(arg => arg.startsWith('--address')) ? args : ['--address', '127.0.0.1:0', ...args]
  const child = spawn(process.execPath, [BIN, '--root', root, 'registry', 'serve', ...given], {
    env: { ...process.env, ...env, NODE_TEST_CONTEXT: undefined },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const log: Buffer[] = []
  child.stderr.on('data', (chunk: Buffer) => log.push(chunk))
  const said = () => Buffer.concat(log).toString('utf8')
  const ended = once(child, 'exit')
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    child.kill(signal)
    const [code] = await ended
    return code as number | null
  }
  const forget = () => child.kill('SIGKILL')
  process.once('exit', forget)
  void ended.then(() => process.removeListener('exit', forget))
  for await (const line of createInterface(child.stdout)) {
    const [, url] = /^Registry listening on (\S+)$/.exec(line) ?? []
    if (url === undefined) continue
    child.stdout.resume()
    return { url, host: new URL(url).host, pid: child.pid as number, log: said, stop }
  }
  await ended
  throw new Error(`the registry did not start: ${said()}`)
}

/** The most memory that the process has had so far, in bytes. */
export function peakMemory({ pid }: ServerProcess): number {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) * 1024
}
