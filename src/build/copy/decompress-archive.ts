import { spawn } from 'node:child_process'
import { Readable } from 'node:stream'
import { isErrno, ShaleError } from '../../error.ts'
import { decompress, sniffCompression } from '../../layer/compression.ts'

const XZ = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])
const BZIP2 = Buffer.from('BZh')

/**
 * The plain bytes of what ADD unpacks: gzip and zstd by Node's zlib; bzip2 and xz by the programs of these names, which
 * every distribution has. Throws `DECOMPRESSOR_MISSING` when they are not installed.
 */
export async function* decompressArchive(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const chunks = source[Symbol.asyncIterator]()
  const first = await chunks.next()
  if (first.done === true) return
  const head = Buffer.from(first.value)
  const all = prepend(head, chunks)
  if (head.subarray(0, XZ.length).equals(XZ)) yield* filter('xz', all)
  else if (head.subarray(0, BZIP2.length).equals(BZIP2)) yield* filter('bzip2', all)
  else yield* decompress(all, sniffCompression(head))
}

async function* prepend(head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield head
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value
}

async function* filter(program: 'xz' | 'bzip2', source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const child = spawn(program, ['-d', '-c', '-q'], { stdio: ['pipe', 'pipe', 'pipe'] })
  const failed = new Promise<ShaleError | undefined>(resolve => {
    child.once('error', cause => resolve(isErrno(cause, 'ENOENT') ? missing(program) : damaged(program, cause.message)))
    child.once('close', code => resolve(code === 0 ? undefined : damaged(program, `${program} ended with ${code}`)))
  })
  // A program that ends early breaks the pipe; its exit code says why.
  child.stdin.on('error', () => {})
  Readable.from(source).pipe(child.stdin)
  try {
    yield* child.stdout
    const error = await failed
    if (error !== undefined) throw error
  } finally {
    child.kill()
  }
}

function missing(program: string): ShaleError {
  return new ShaleError(
    'DECOMPRESSOR_MISSING',
    `ADD of a ${program} archive needs the program ${program}, which is not installed`,
    {
      hint: program === 'xz' ? 'install the package xz-utils' : 'install the package bzip2',
    },
  )
}

function damaged(program: string, why: string): ShaleError {
  return new ShaleError('ARCHIVE_DAMAGED', `the archive is no valid ${program}: ${why}`)
}
