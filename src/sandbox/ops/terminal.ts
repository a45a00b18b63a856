import { closeSync, constants, mkdirSync, openSync, read, rmdirSync, write } from 'node:fs'
import { promisify } from 'node:util'
import { isErrno } from '../../error.ts'
import { ptsData, type RuntimeSpec, type SpecMount } from '../bundle.ts'
import type { TerminalSize } from '../run-request.ts'
import {
  MS,
  mount,
  openPath,
  openTerminalPeer,
  RESOLVE,
  setWindowSize,
  terminalNumber,
  unlockTerminal,
  unmountLazily,
} from '../syscalls.ts'

/** The path that the first terminal of a devpts has in the container. */
export const TERMINAL_PATH = '/dev/pts/0'

/** The controlling end of a container's terminal, while that is being made. */
export interface Terminal extends OpenTerminal {
  /** The devpts that the terminal is the first of: what is to be /dev/pts. */
  readonly folder: string
  /** The folder is not needed any more: the container has it, or never will. */
  handedOver(): void
}

export interface OpenTerminal {
  /** What is written to it; ends when the container has ended and `hangUp` was called. */
  output(): AsyncGenerator<Uint8Array>
  type(chunk: Uint8Array): void
  resize(size: TerminalSize): void
  /** To be called when the container is ending; idempotent. */
  hangUp(): void
  /** To be called when `output` has ended. */
  close(): Promise<void>
}

const readAsync = promisify(read)
const writeAsync = promisify(write)

/**
 * Makes a terminal in a devpts that is mounted at the folder, which is made, until `handedOver`. A container's first
 * process takes its mounts from us, so it can bind this one, and nothing need be handed between the processes.
 */
export function makeTerminal(folder: string, size: TerminalSize, ttyGroup: boolean): Terminal {
  mkdirSync(folder)
  const options = ptsData(ttyGroup).join(',')
  mount({ source: 'devpts', target: folder, type: 'devpts', flags: MS.nosuid | MS.noexec, data: options })
  const master = openSync(`${folder}/ptmx`, constants.O_RDWR | constants.O_NOCTTY)
  unlockTerminal(master)
  return {
    ...controlled(master, openSync(`${folder}/0`, constants.O_RDWR | constants.O_NOCTTY), size),
    folder,
    handedOver: () => {
      unmountLazily(folder)
      rmdirSync(folder)
    },
  }
}

/** A further terminal of a container that runs, and its path there. */
export function terminalInside(pid: number, size: TerminalSize): OpenTerminal & { readonly path: string } {
  const root = openSync(`/proc/${pid}/root`, constants.O_RDONLY | constants.O_DIRECTORY)
  const handle = openPath(root, 'dev/pts/ptmx', RESOLVE.inRoot | RESOLVE.noSymlinks)
  closeSync(root)
  const master = openSync(`/proc/self/fd/${handle}`, constants.O_RDWR | constants.O_NOCTTY)
  closeSync(handle)
  unlockTerminal(master)
  return { ...controlled(master, openTerminalPeer(master), size), path: `/dev/pts/${terminalNumber(master)}` }
}

/** As long as the other end is open, reading does not end because the command has closed its streams for a moment. */
function controlled(master: number, peer: number, size: TerminalSize): OpenTerminal {
  let held: number | undefined = peer
  setWindowSize(master, size)
  let typed = Promise.resolve()
  return {
    output: () => output(master),
    type: chunk => {
      typed = typed.then(() => writeAll(master, chunk)).catch(() => {})
    },
    resize: size => setWindowSize(master, size),
    hangUp: () => {
      if (held !== undefined) closeSync(held)
      held = undefined
    },
    close: async () => {
      await typed
      closeSync(master)
    },
  }
}

/** The specification with the terminal's devpts in place of a new one, and the terminal as the console. */
export function withTerminal(spec: RuntimeSpec, { folder }: Pick<Terminal, 'folder'>): RuntimeSpec {
  const bind = (destination: string, source: string): SpecMount => {
    return { destination, type: 'bind', source, options: ['bind', 'nosuid', 'noexec'] }
  }
  const mounts = spec.mounts.flatMap(each =>
    each.type === 'devpts' ? [bind(each.destination, folder), bind('/dev/console', `${folder}/0`)] : [each],
  )
  return { ...spec, mounts }
}

/** Reads in a thread, blocked: a non-blocking terminal may report its end before all that was written has been read. */
async function* output(master: number): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.alloc(65536)
  for (;;) {
    const length = await readSome(master, buffer)
    if (length === 0) return
    yield Uint8Array.prototype.slice.call(buffer, 0, length)
  }
}

async function readSome(master: number, buffer: Buffer): Promise<number> {
  try {
    return (await readAsync(master, buffer, 0, buffer.length, null)).bytesRead
  } catch (error) {
    // Nobody is at the terminal any more.
    if (isErrno(error, 'EIO')) return 0
    throw error
  }
}

async function writeAll(master: number, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length; ) at += (await writeAsync(master, chunk, at)).bytesWritten
}
