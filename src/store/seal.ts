import { crc32 } from 'node:zlib'

type Value = string | number | null

/**
 * A check sum over the values of a row that decides what an image holds: SQLite has none of its own, and a flipped bit
 * would give a wrong layer instead of an error. It is kept in the row's column `seal`.
 */
export function sealOf(values: readonly Value[]): number {
  return crc32(JSON.stringify(values))
}

/** Whether the values are those that were sealed. Rows of a store that came before seals have none. */
export function isSealed(seal: number | null, values: readonly Value[]): boolean {
  return seal === null || seal === sealOf(values)
}
