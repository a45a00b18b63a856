import { spawn } from 'node:child_process'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { isErrno, ShaleError } from '../error.ts'
import { decompress, sniffCompression } from './compression.ts'

const XZ = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])
const BZIP2 = Buffer.from('BZh')

/**
 * The plain bytes of an archive that a user gives us: gzip and zstd by Node's zlib; bzip2 and xz by the programs of
 * these names, which every distribution has. Throws `DECOMPRESSOR_MISSING` when they are not installed,
 * `ARCHIVE_DAMAGED` or `LAYER_DAMAGED` for what does not decompress, and what the source throws.
 */
export async function* decompressArchive(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const chunks = source[Symbol.asyncIterator]()
  try {
    const head = await readHead(chunks)
    const all = prepend(head, chunks)
    if (head.subarray(0, XZ.length).equals(XZ)) yield* filter('xz', all)
    else if (head.subarray(0, BZIP2.length).equals(BZIP2)) yield* filter('bzip2', all)
    else yield* decompress(all, sniffCompression(head))
  } finally {
    await chunks.return?.()
  }
}

/** Enough to tell by, unless there is less: a pipe may give single bytes. */
async function readHead(chunks: AsyncIterator<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for (let size = 0; size < XZ.length; size += parts.at(-1)?.byteLength ?? 0) {
    const next = await chunks.next()
    if (next.done === true) break
    parts.push(next.value)
  }
  const [only] = parts
  return parts.length === 1 && only !== undefined
    ? Buffer.from(only.buffer, only.byteOffset, only.byteLength)
    : Buffer.concat(parts)
}

async function* prepend(head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (head.byteLength > 0) yield head
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value
}

async function* filter(program: 'xz' | 'bzip2', source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const child = spawn(program, ['-d', '-c', '-q'], { stdio: ['pipe', 'pipe', 'ignore'] })
  const failed = new Promise<ShaleError | undefined>(resolve => {
    child.once('error', cause => resolve(isErrno(cause, 'ENOENT') ? missing(program) : damaged(program, cause.message)))
    child.once('close', code => resolve(code === 0 ? undefined : damaged(program, `${program} ended with ${code}`)))
  })
  let sourceError: unknown
  const fed = pipeline(Readable.from(source, { objectMode: false }), child.stdin).catch((error: unknown) => {
    // A program that ends early breaks the pipe; its exit code says why.
    if (!isErrno(error, 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE')) sourceError = error
  })
  try {
    yield* child.stdout
    const error = await failed
    await fed
    if (sourceError !== undefined) throw sourceError
    if (error !== undefined) throw error
  } finally {
    child.kill()
  }
}

function missing(program: string): ShaleError {
  return new ShaleError(
    'DECOMPRESSOR_MISSING',
    `unpacking an archive in ${program} needs the program ${program}, which is not installed`,
    { hint: program === 'xz' ? 'install the package xz-utils' : 'install the package bzip2' },
  )
}

function damaged(program: string, why: string): ShaleError {
  return new ShaleError('ARCHIVE_DAMAGED', `the archive is no valid ${program}: ${why}`)
}
