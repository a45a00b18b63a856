import { crc32 } from 'node:zlib'
import { type Digest, digestHex } from '../oci/digest.ts'

/*
 * The file: magic u32, crc32 u32 of all that follows, pairs of 32 bytes: what a COPY was asked and found in the context,
 * the content ID of the layer that it makes of that. The newest is first.
 */
const MAGIC = 0x314d4353
const HEAD_BYTES = 8
const PAIR_BYTES = 64

/** Enough for the steps of many Dockerfiles over one folder. */
const MAX_PAIRS = 256

export function encodeMemos(memos: ReadonlyMap<Digest, Digest>): Buffer {
  const pairs = [...memos].slice(0, MAX_PAIRS).map(pair => pair.map(digestHex).join(''))
  const bytes = Buffer.concat([Buffer.alloc(HEAD_BYTES), Buffer.from(pairs.join(''), 'hex')])
  bytes.writeUInt32LE(MAGIC, 0)
  bytes.writeUInt32LE(crc32(bytes.subarray(HEAD_BYTES)), 4)
  return bytes
}

/** None when the bytes are damaged or of another version. */
export function decodeMemos(bytes: Buffer): ReadonlyMap<Digest, Digest> {
  const memos = new Map<Digest, Digest>()
  const length = bytes.length - HEAD_BYTES
  if (length < 0 || length % PAIR_BYTES !== 0 || bytes.readUInt32LE(0) !== MAGIC) return memos
  if (crc32(bytes.subarray(HEAD_BYTES)) !== bytes.readUInt32LE(4)) return memos
  for (let at = HEAD_BYTES; at < bytes.length; at += PAIR_BYTES) {
    const digest = (from: number): Digest => `sha256:${bytes.toString('hex', from, from + 32)}`
    memos.set(digest(at), digest(at + 32))
  }
  return memos
}
