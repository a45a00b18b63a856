/** Part of a content: from `start` up to, not including, `end`. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/**
 * Reads a Range header for content of `size` bytes. Undefined: everything, also where the header asks for several ranges
 * or in another unit, which a server may ignore. Source: RFC 9110, section 14.
 */
export function parseRange(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '')
  if (match === null) return undefined
  const [, first = '', last = ''] = match
  if (first === '' && last === '') return undefined
  if (first === '') {
    const length = Math.min(Number(last), size)
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size }
  }
  const start = Number(first)
  const end = last === '' ? size : Math.min(Number(last) + 1, size)
  if (last !== '' && Number(last) < start) return undefined
  return start >= size ? 'unsatisfiable' : { start, end }
}

/**
 * Reads the Content-Range of a chunk, `0-1023`: both ends are in it. Some clients write it as HTTP has it elsewhere,
 * `bytes 0-1023/*`. Source: distribution-spec 1.1, "Pushing a blob in chunks".
 */
export function parseContentRange(header: string): ByteRange | undefined {
  const [, first, last] = /^(?:bytes )?(\d{1,15})-(\d{1,15})(?:\/(?:\d+|\*))?$/.exec(header.trim()) ?? []
  if (first === undefined || last === undefined || Number(last) < Number(first)) return undefined
  return { start: Number(first), end: Number(last) + 1 }
}

/** Whether an If-None-Match or If-Match header names this entity tag. */
export function matchesTag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  return header.split(',').some(each => {
    const tag = each.trim().replace(/^W\//, '')
    return tag === '*' || tag === etag
  })
}
