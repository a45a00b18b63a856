import { closeSync } from 'node:fs'
import { Socket } from 'node:net'
import type { StreamPaths } from '../init/input.ts'
import { pipe } from '../syscalls.ts'

/** Real pipes to a command, not sockets: commands open /dev/stdout. */
export interface CommandPipes {
  /** Where the container's first process finds the command's ends: it sees the /proc that we see. */
  readonly paths: StreamPaths
  readonly stdout: AsyncIterable<Uint8Array>
  readonly stderr: AsyncIterable<Uint8Array>
  /** Writes to a standard input that is open. */
  write(chunk: Uint8Array): void
  /** Closes it; idempotent. */
  endInput(): void
  /** To be called when the command has its ends, or never will: what it writes ends with its own. Idempotent. */
  handedOver(): void
}

/** `input` is what the command will read, or that there will be some; without it there is no pipe for standard input. */
export function openPipes(input?: Uint8Array | 'open'): CommandPipes {
  const stdin = input && pipe()
  const [stdout, stderr] = [pipe(), pipe()]
  let theirs = [stdout[1], stderr[1], ...(stdin === undefined ? [] : [stdin[0]])]
  const writer = stdin && inputWriter(stdin[1])
  if (input instanceof Uint8Array) writer?.end(input)
  return {
    paths: {
      ...(stdin !== undefined && { stdin: pathOf(stdin[0]) }),
      stdout: pathOf(stdout[1]),
      stderr: pathOf(stderr[1]),
    },
    stdout: reader(stdout[0]),
    stderr: reader(stderr[0]),
    write: chunk => {
      if (writer?.writable === true) writer.write(chunk)
    },
    endInput: () => void writer?.end(),
    handedOver: () => {
      for (const fd of theirs) closeSync(fd)
      theirs = []
    },
  }
}

function pathOf(fd: number): string {
  return `/proc/${process.pid}/fd/${fd}`
}

function reader(fd: number): AsyncIterable<Uint8Array> {
  return new Socket({ fd, readable: true, writable: false })
}

function inputWriter(fd: number): Socket {
  const writer = new Socket({ fd, readable: false, writable: true })
  // A command need not read all that it is given.
  writer.on('error', () => {})
  return writer
}
