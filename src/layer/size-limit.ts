import { ShaleError } from '../error.ts'

const DEFAULT = 64 * 1024 ** 3
const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 }

/**
 * Most bytes that a layer or an archive may unpack to: `SHALE_MAX_LAYER_SIZE`, a number with an optional unit (`500m`,
 * `20GiB`; units are powers of 1024), or 64 GiB. A few megabytes of a compressed stream can hold terabytes. Throws
 * `INVALID_LIMIT` for what is no size.
 */
export function maxLayerSize(env: NodeJS.ProcessEnv = process.env): number {
  const text = env.SHALE_MAX_LAYER_SIZE
  if (text === undefined || text === '') return DEFAULT
  const [, digits, unit] = /^(\d{1,15})\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim()) ?? []
  const size = Number(digits) * (UNITS[unit?.toLowerCase() ?? ''] ?? Number.NaN)
  if (Number.isSafeInteger(size) && size > 0) return size
  throw new ShaleError('INVALID_LIMIT', `SHALE_MAX_LAYER_SIZE is ${JSON.stringify(text)}, which is no size`, {
    hint: 'write it as bytes or with a unit: 500m, 20g',
  })
}

/** The error for what unpacks to more than `limit` bytes. */
export function unpacksToTooMuch(limit: number): ShaleError {
  return new ShaleError('LAYER_TOO_LARGE', `it unpacks to more than ${limit} bytes`, {
    hint: 'it is most likely hostile; if you trust it, set SHALE_MAX_LAYER_SIZE, such as 200g, and try again',
  })
}
