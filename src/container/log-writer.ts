import { closeSync, fstatSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import type { RunOutput } from '../sandbox/run-request.ts'
import type { LogOptions } from './options.ts'

/** Longer lines are cut, as docker cuts them. */
const LONGEST_LINE = 16 * 1024

/** Where what a container writes goes; losing lines on a full disk must not stop the container. */
export interface LogWriter {
  write(output: RunOutput): void
  /** Writes what has not come to the end of its line. */
  close(): void
}

/** Appends lines of docker's `json-file` form; with a size limit `FILE` becomes `FILE.1` and so on. */
export function logWriter(path: string, options: LogOptions): LogWriter {
  if (options.driver === 'none') return { write() {}, close() {} }
  let fd: number | undefined
  let size = 0
  const open = () => {
    fd = openSync(path, 'a', 0o640)
    size = fstatSync(fd).size
    return fd
  }
  const append = (lines: string) => {
    try {
      if (size >= (options.maxSize ?? Number.POSITIVE_INFINITY)) {
        if (fd !== undefined) closeSync(fd)
        fd = undefined
        rotate(path, options.maxFile)
      }
      size += writeSync(fd ?? open(), lines)
    } catch {
      // A full disk, most often.
    }
  }
  const rest: Record<RunOutput['stream'], Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) }
  return {
    write: ({ stream, chunk }) => {
      const { lines, left } = splitLines(Buffer.concat([rest[stream], chunk]))
      rest[stream] = left
      const records = lines.map(line => record(line, stream))
      // Each may be the one that fills the file.
      if (options.maxSize !== undefined) for (const each of records) append(each)
      else if (records.length > 0) append(records.join(''))
    },
    close: () => {
      for (const stream of ['stdout', 'stderr'] as const) {
        if (rest[stream].length > 0) append(record(rest[stream], stream))
        rest[stream] = Buffer.alloc(0)
      }
      if (fd !== undefined) closeSync(fd)
      fd = undefined
    },
  }
}

function record(line: Buffer, stream: RunOutput['stream']): string {
  return `${JSON.stringify({ log: line.toString(), stream, time: new Date().toISOString() })}\n`
}

function splitLines(bytes: Buffer): { readonly lines: readonly Buffer[]; readonly left: Buffer } {
  const lines: Buffer[] = []
  let at = 0
  for (;;) {
    const newline = bytes.indexOf(0x0a, at)
    const end = newline < 0 ? bytes.length : newline + 1
    if (end - at > LONGEST_LINE) {
      lines.push(bytes.subarray(at, at + LONGEST_LINE))
      at += LONGEST_LINE
    } else if (newline < 0) return { lines, left: Buffer.from(bytes.subarray(at)) }
    else {
      lines.push(bytes.subarray(at, end))
      at = end
    }
  }
}

function rotate(path: string, files: number): void {
  rmSync(files > 1 ? `${path}.${files - 1}` : path, { force: true })
  for (let number = files - 2; number >= 0; number--) {
    const from = number === 0 ? path : `${path}.${number}`
    try {
      renameSync(from, `${path}.${number + 1}`)
    } catch {
      // Not that many yet.
    }
  }
}
