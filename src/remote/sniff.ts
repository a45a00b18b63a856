const COMPRESSED = ['1f8b', '425a68', 'fd377a585a00', '28b52ffd']

/**
 * True for the first bytes of a tar, or of something compressed with gzip, bzip2, xz or zstd; 512 of them are enough.
 * Source: POSIX pax, "ustar Interchange Format"; the checksum tells archives older than that.
 */
export function looksLikeArchive(head: Buffer): boolean {
  const magic = head.subarray(0, 6).toString('hex')
  if (COMPRESSED.some(start => magic.startsWith(start))) return true
  if (head.byteLength < 512) return false
  const stored = /^[ \0]*([0-7]+)[ \0]/.exec(head.toString('latin1', 148, 156))?.[1]
  if (stored === undefined) return false
  let sum = 8 * 0x20
  for (let at = 0; at < 512; at++) if (at < 148 || at >= 156) sum += head[at] as number
  return sum === Number.parseInt(stored, 8)
}

/** The first bytes of a stream, at least `size` of them unless it has fewer, and the whole stream. */
export async function peek(
  source: AsyncIterable<Uint8Array>,
  size: number,
): Promise<{ readonly head: Buffer; readonly all: AsyncGenerator<Uint8Array> }> {
  const chunks = source[Symbol.asyncIterator]()
  const parts: Uint8Array[] = []
  let length = 0
  while (length < size) {
    const next = await chunks.next()
    if (next.done === true) break
    parts.push(next.value)
    length += next.value.byteLength
  }
  const head = Buffer.concat(parts)
  async function* all() {
    yield head
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value
  }
  return { head, all: all() }
}
