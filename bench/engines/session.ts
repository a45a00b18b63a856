import { spawn } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Bind, enterCommand, enterEnv } from '../../scripts/bases/enter.ts'
import { ShaleError } from '../../src/error.ts'
import { peerRoot } from '../../test/peers/root.ts'
import type { Done } from './engine.ts'

/** A shell that stays inside the peers' root, so that entering it is not part of any time. */
export interface Session {
  /** Runs one command to its end and times it, the shell's fork and exec included (about a millisecond). */
  readonly exec: (command: readonly string[]) => Promise<Done>
  readonly close: () => Promise<void>
}

/** Opens a shell in the Debian root with the engines. `work` is a folder that both sides see under one path. */
export async function openSession(name: string, work: string, binds: readonly Bind[]): Promise<Session> {
  const options = { readOnly: true, binds: [{ host: work, inner: work }, ...binds] }
  const [program, ...args] = enterCommand(await peerRoot('engines'), ['bash', '--norc'], options) as [string]
  const child = spawn(program, args, { detached: true, stdio: ['pipe', 'pipe', 'inherit'], env: enterEnv(options) })
  const ended = new Promise<void>(resolve => child.on('close', () => resolve()))
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const out = join(work, `${name}.stdout`)
  const err = join(work, `${name}.stderr`)

  const exec = async (command: readonly string[]): Promise<Done> => {
    const line = `${command.map(quote).join(' ')} </dev/null >${quote(out)} 2>${quote(err)}; echo $?\n`
    const start = performance.now()
    child.stdin.write(line)
    const { value: code, done } = await answers.next()
    const seconds = (performance.now() - start) / 1000
    if (done !== true && code === '0') return { seconds, stdout: await readFile(out, 'utf8') }
    const said = (await readFile(err, 'utf8').catch(() => '')).trim().split('\n').slice(-15).join('\n')
    throw new ShaleError('BENCH_COMMAND_FAILED', `${command.join(' ')} ended with ${code ?? 'its shell'}:\n${said}`)
  }
  const close = async () => {
    child.stdin.end()
    await ended
    await Promise.all([out, err].map(path => rm(path, { force: true })))
  }
  return { exec, close }
}

/** As a shell takes it for one word. */
function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}
