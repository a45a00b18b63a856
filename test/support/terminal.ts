import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, constants, openSync, read, writeSync } from 'node:fs'
import { constants as os } from 'node:os'
import { promisify } from 'node:util'
import { call } from '../../src/sandbox/libc.ts'
import { setWindowSize, unlockTerminal } from '../../src/sandbox/syscalls.ts'

/** A program at a terminal, and somebody who sits there. */
export interface Seat {
  readonly process: ChildProcess
  /** All that was printed so far. */
  readonly screen: () => string
  /** Resolves when what was printed since the last call matches; rejects with the screen when the program ends first. */
  shows(pattern: RegExp): Promise<void>
  type(text: string): void
  resize(rows: number, columns: number): void
  /** Whether the terminal echoes what is typed and acts on Ctrl-C, as shells leave it. */
  isCooked(): boolean
  /** Exit code of the program, 128 + n for a signal. */
  readonly ended: Promise<number>
  /** The terminal goes away, as when its window is closed. */
  close(): Promise<void>
}

const readAsync = promisify(read)

/** Starts a program with a new terminal of 24 rows of 80 as its three streams and its controlling terminal. */
export function atTerminal(command: readonly string[], env: NodeJS.ProcessEnv): Seat {
  const master = openSync('/dev/ptmx', constants.O_RDWR | constants.O_NOCTTY)
  unlockTerminal(master)
  const slave = openSync(`/dev/pts/${terminalNumber(master)}`, constants.O_RDWR | constants.O_NOCTTY)
  setWindowSize(master, { rows: 24, columns: 80 })
  const child = spawn('setsid', ['--ctty', ...command], { stdio: [slave, slave, slave], env, detached: false })
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(signal === null ? (code ?? 0) : 128 + os.signals[signal]))
  })
  let screen = ''
  let seen = 0
  let waiting: (() => void) | undefined
  let over = false
  void ended.finally(() => closeSync(slave)).catch(() => {})
  const reading = (async () => {
    const buffer = Buffer.alloc(65536)
    for (;;) {
      const length = await readAsync(master, buffer, 0, buffer.length, null).then(
        ({ bytesRead }) => bytesRead,
        () => 0,
      )
      if (length === 0) break
      screen += buffer.toString('latin1', 0, length)
      waiting?.()
    }
    over = true
    waiting?.()
  })()
  return {
    process: child,
    screen: () => screen,
    ended: Promise.all([ended, reading]).then(([code]) => code),
    type: text => void writeSync(master, text),
    resize: (rows, columns) => setWindowSize(master, { rows, columns }),
    isCooked: () => isCooked(master),
    async shows(pattern) {
      for (;;) {
        const found = pattern.exec(screen.slice(seen))
        if (found !== null) {
          seen += found.index + found[0].length
          return
        }
        if (over) throw new Error(`the program ended before ${pattern}: ${JSON.stringify(screen)}`)
        await new Promise<void>(resolve => {
          waiting = resolve
        })
      }
    },
    async close() {
      closeSync(master)
      await ended
    },
  }
}

function terminalNumber(master: number): number {
  const TIOCGPTN = 0x80045430
  const number = new Uint32Array(1)
  call('ioctl', undefined, master, TIOCGPTN, number)
  return number[0] as number
}

function isCooked(terminal: number): boolean {
  const ISIG_ICANON_ECHO = 0o1 | 0o2 | 0o10
  const termios = Buffer.alloc(256)
  call('tcgetattr', undefined, terminal, termios)
  return (termios.readUInt32LE(12) & ISIG_ICANON_ECHO) === ISIG_ICANON_ECHO
}
