import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { ShaleError } from '../../../src/error.ts'
import { entryOf } from '../../../src/layer/clean.ts'
import { checksum, padding, type TarHeader } from '../../../src/tar/header.ts'
import { readTar } from '../../../src/tar/read.ts'
import { END_OF_ARCHIVE, encodeHeader } from '../../../src/tar/write.ts'
import { refused, type Target } from '../target.ts'

/** Sparse files may claim petabytes of holes; of what a layer's limit would refuse, nothing is read. */
const MOST = 1024 * 1024

interface Read {
  readonly header: TarHeader
  readonly content: Buffer
}

/** What is compared: not the content, for a difference would be shown in full. */
function outline(members: readonly Read[]): readonly unknown[] {
  return members.map(({ header, content }) => [header, hash('sha256', content)])
}

async function readAll(bytes: Buffer, chunk: number): Promise<readonly Read[]> {
  const members: Read[] = []
  async function* source(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk)
  }
  for await (const { header, content } of readTar(source())) {
    const parts: Uint8Array[] = []
    if (header.size <= MOST) for await (const part of content) parts.push(part)
    members.push({ header, content: Buffer.concat(parts) })
  }
  return members
}

async function readOrRefuse(bytes: Buffer, chunk: number): Promise<readonly Read[] | string> {
  try {
    return await readAll(bytes, chunk)
  } catch (error) {
    if (error instanceof ShaleError) return error.code
    throw error
  }
}

/** Random changes never meet a checksum: every block that could be a header gets its own. */
function withChecksums(input: Buffer): Buffer {
  const bytes = Buffer.from(input)
  for (let at = 0; at + 512 <= bytes.length; at += 512) {
    if (bytes.toString('latin1', at + 257, at + 262) !== 'ustar') continue
    bytes.write(`${checksum(bytes, at).toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1')
  }
  return bytes
}

/** However it is cut into chunks it reads the same; what was read, written and read again is the same. */
export const target: Target = {
  words: [
    ...[
      'ustar\x0000',
      'ustar  \0',
      '30 mtime=1350244992.023960108\n',
      '11 path=ab\n',
      'GNU.sparse.map=0,1',
      'size=',
      '\0'.repeat(512),
    ],
    ...[
      '../',
      '/',
      '.wh.',
      '.wh..wh..opq',
      'SCHILY.xattr.user.a=b\n',
      '0',
      '1',
      '2',
      '5',
      'x',
      'g',
      'L',
      'K',
      'S',
      '\xff\xff\xff\xff',
    ],
  ],
  async run(input) {
    const bytes = withChecksums(input)
    const members = await readOrRefuse(bytes, 1 << 20)
    const inPieces = await readOrRefuse(bytes, 100)
    if (typeof members === 'string' || typeof inPieces === 'string') return assert.equal(inPieces, members)
    assert.deepEqual(outline(inPieces), outline(members))
    for (const { header } of members) refused(() => entryOf(header))
    const small = members.filter(({ header }) => header.size <= MOST)
    const again = refused(() => Buffer.concat([...small.flatMap(encode), END_OF_ARCHIVE]))
    if (again !== undefined) assert.deepEqual(outline(await readAll(again, 4096)), outline(small.map(asWritten)))
  },
}

/** The root is written as `./`, whatever it was called. */
function asWritten({ header, content }: Read): Read {
  return { header: header.kind === 'directory' && header.path === '' ? { ...header, path: '.' } : header, content }
}

function encode({ header, content }: Read): readonly Uint8Array[] {
  return [encodeHeader(header), content, new Uint8Array(padding(content.length))]
}
