import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Outcome, run } from '../../scripts/bases/process.ts'

const BIN = fileURLToPath(new URL('../../bin/shale', import.meta.url))
const GONE_WITHIN_MS = 20_000

/** `bin/shale` on one store. */
export interface Program {
  readonly root: string
  /** Runs it to its end, which must come within five minutes. */
  call(args: readonly string[]): Promise<Outcome>
  /** As `call`; the exit code must be 0. Gives what it wrote to its standard output. */
  must(args: readonly string[]): Promise<string>
  /** Kills its whole process group after that time, and waits until nothing of it is left. True when it was in time. */
  kill(args: readonly string[], afterMs: number): Promise<boolean>
  /** As `kill`, while other processes use the store: looks for nothing. */
  killAlone(args: readonly string[], afterMs: number): Promise<boolean>
}

export function programOn(root: string, env: NodeJS.ProcessEnv = {}): Program {
  const environment: NodeJS.ProcessEnv = { ...process.env, ...env, SHALE_ROOT: root, NODE_TEST_CONTEXT: undefined }
  const call = (args: readonly string[]) =>
    run(process.execPath, [BIN, ...args], { env: environment, timeoutMs: 5 * 60_000 })
  const killAlone = async (args: readonly string[], afterMs: number) => {
    const child = spawn(process.execPath, [BIN, ...args], { env: environment, detached: true, stdio: 'ignore' })
    const ended = once(child, 'exit')
    const first = await Promise.race([ended.then(() => 'ended'), delay(afterMs, 'time')])
    if (first === 'time' && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    const [, signal] = await ended
    return signal === 'SIGKILL'
  }
  return {
    root,
    call,
    killAlone,
    async must(args) {
      const { code, stdout, stderr } = await call(args)
      assert.equal(code, 0, `shale ${args.join(' ')}: exit code ${code}\n${stderr}`)
      return stdout
    },
    async kill(args, afterMs) {
      const killed = await killAlone(args, afterMs)
      await nothingLeft(root)
      return killed
    },
  }
}

/** Waits until no process knows the folder any more, and then nothing may be mounted below it. */
async function nothingLeft(root: string): Promise<void> {
  const end = Date.now() + GONE_WITHIN_MS
  for (let left = processesOf(root); left.length > 0; left = processesOf(root)) {
    assert.ok(Date.now() < end, `still running: ${left.join(' | ')}`)
    await delay(10)
  }
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  assert.deepEqual(
    mounts.filter(line => line.includes(`${root}/`)),
    [],
    'nothing is left mounted',
  )
}

/** Command lines of the processes that have the store's folder in their arguments or environment, but not this one. */
export function processesOf(root: string): readonly string[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter(id => /[^\0]/.test(read(`/proc/${id}/cmdline`)) && mentions(id, root))
    .map(id => read(`/proc/${id}/cmdline`).replaceAll('\0', ' '))
}

function mentions(id: string, root: string): boolean {
  return read(`/proc/${id}/environ`).includes(`SHALE_ROOT=${root}\0`) || read(`/proc/${id}/cmdline`).includes(root)
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
