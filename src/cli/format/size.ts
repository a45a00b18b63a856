const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'] as const

/** Bytes as docker shows them: decimal units, three digits: `0B`, `1.23kB`, `118MB`. */
export function humanSize(bytes: number): string {
  let value = bytes
  let unit = 0
  // 999.5 would be written as 1000 with three digits: it is 1 of the next unit.
  while (Math.abs(value) >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000
    unit++
  }
  return `${Number(value.toPrecision(3))}${UNITS[unit]}`
}
