import { createHash } from 'node:crypto'
import { ShaleError } from '../error.ts'

/** A content digest `algorithm:hex`, lower case. Source: OCI image-spec v1.1 descriptor.md, "Digests". */
export type Digest = `sha256:${string}` | `sha512:${string}`

export type DigestAlgorithm = 'sha256' | 'sha512'

const PATTERN = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/

export function isDigest(text: string): text is Digest {
  return PATTERN.test(text)
}

/** Throws `INVALID_DIGEST` unless `text` is a sha256 or sha512 digest in lower-case hex of the right length. */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text
  throw new ShaleError('INVALID_DIGEST', `invalid digest ${JSON.stringify(text.slice(0, 200))}`, {
    hint: 'a digest is sha256: or sha512: followed by 64 or 128 lower-case hex digits',
  })
}

/** The sha256 digest of bytes, or of a string's UTF-8 encoding. */
export function sha256(data: Uint8Array | string): Digest {
  return `sha256:${createHash('sha256').update(data).digest('hex')}`
}

export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256'
}

export function digestHex(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1)
}

/** The twelve hex digits that docker shows for an ID. */
export function shortDigest(digest: Digest): string {
  return digestHex(digest).slice(0, 12)
}
