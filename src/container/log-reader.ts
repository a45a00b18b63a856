import { closeSync, existsSync, fstatSync, openSync, readSync, statSync, watch } from 'node:fs'
import { dirname } from 'node:path'

export interface LogLine {
  /** With its newline, when it had one. */
  readonly log: string
  readonly stream: 'stdout' | 'stderr'
  /** RFC 3339 in UTC. */
  readonly time: string
}

export interface LogSelection {
  /** Milliseconds since 1970. */
  readonly since?: number | undefined
  readonly until?: number | undefined
  /** Only the last lines. */
  readonly tail?: number | undefined
}

/** Lines from the rotated files and the current one. A damaged line is passed over: the power may have failed there. */
export function* readLog(path: string, selection: LogSelection = {}): Generator<LogLine> {
  const lines: LogLine[] = []
  for (const file of logFiles(path)) {
    const tail = new FileTail(file)
    for (const line of tail.read()) {
      if (!isWanted(line, selection)) continue
      if (selection.tail === undefined) yield line
      else if (selection.tail > 0) {
        lines.push(line)
        if (lines.length > selection.tail * 2 + 1024) lines.splice(0, lines.length - selection.tail)
      }
    }
    tail.close()
  }
  if (selection.tail !== undefined && selection.tail > 0) yield* lines.slice(-selection.tail)
}

/** As `readLog`, and then what comes until the container has ended. */
export async function* followLog(
  path: string,
  selection: LogSelection,
  isRunning: () => boolean,
): AsyncGenerator<LogLine> {
  // Opened first, so that nothing is missed between the two.
  let tail = existsSync(path) ? new FileTail(path) : undefined
  tail?.skipTo(statSync(path).size)
  yield* readLog(path, selection)
  const changes = changesIn(dirname(path))
  try {
    for (;;) {
      const running = isRunning()
      tail ??= existsSync(path) ? new FileTail(path) : undefined
      for (const line of tail?.read() ?? []) if (isWanted(line, selection)) yield line
      if (tail?.isRotated(path)) {
        tail.close()
        tail = undefined
        continue
      }
      if (!running || (selection.until !== undefined && Date.now() > selection.until)) return
      await changes.next()
    }
  } finally {
    tail?.close()
    changes.close()
  }
}

function isWanted({ time }: LogLine, { since, until }: LogSelection): boolean {
  const at = Date.parse(time)
  return (since === undefined || at >= since) && (until === undefined || at <= until)
}

function logFiles(path: string): readonly string[] {
  const files = existsSync(path) ? [path] : []
  for (let number = 1; existsSync(`${path}.${number}`); number++) files.unshift(`${path}.${number}`)
  return files
}

class FileTail {
  readonly #fd: number
  #at = 0
  #rest: Buffer = Buffer.alloc(0)

  constructor(path: string) {
    this.#fd = openSync(path, 'r')
  }

  skipTo(size: number): void {
    this.#at = size
  }

  isRotated(path: string): boolean {
    return statSync(path, { throwIfNoEntry: false })?.ino !== fstatSync(this.#fd).ino
  }

  *read(): Generator<LogLine> {
    const buffer = Buffer.alloc(65536)
    for (;;) {
      const length = readSync(this.#fd, buffer, 0, buffer.length, this.#at)
      if (length === 0) return
      this.#at += length
      const bytes = Buffer.concat([this.#rest, buffer.subarray(0, length)])
      const end = bytes.lastIndexOf(0x0a) + 1
      this.#rest = Buffer.from(bytes.subarray(end))
      for (const text of bytes.subarray(0, end).toString().split('\n')) {
        const line = parseLine(text)
        if (line !== undefined) yield line
      }
    }
  }

  close(): void {
    closeSync(this.#fd)
  }
}

function parseLine(text: string): LogLine | undefined {
  if (text === '') return undefined
  try {
    const line = JSON.parse(text) as LogLine
    return typeof line.log === 'string' && typeof line.time === 'string' ? line : undefined
  } catch {
    return undefined
  }
}

/** How long a change can go unnoticed where the file system tells of none. */
const POLL_MS = 500

function changesIn(folder: string) {
  let wake: (() => void) | undefined
  let changed = false
  const note = () => {
    changed = true
    wake?.()
  }
  const watcher = watch(folder, note).on('error', () => {})
  const timer = setInterval(note, POLL_MS)
  return {
    next: () =>
      new Promise<void>(resolve => {
        wake = () => {
          changed = false
          wake = undefined
          resolve()
        }
        if (changed) wake()
      }),
    close: () => {
      watcher.close()
      clearInterval(timer)
    },
  }
}
