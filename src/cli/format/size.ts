import { ShaleError } from '../../error.ts'

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

/** Bytes as docker shows memory: units of 1024, four digits: `0B`, `1.5MiB`, `15.53GiB`. */
export function binarySize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const
  const unit = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${Number((bytes / 1024 ** unit).toPrecision(4))}${units[unit]}`
}

const BINARY: Readonly<Record<string, number>> = {
  '': 1,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
  t: 1024 ** 4,
  p: 1024 ** 5,
}

/** `512`, `10GB`, `1.5g` in bytes; as docker reads sizes, in units of 1024. Throws `INVALID_SIZE`. */
export function parseBytes(text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(text.trim()) ?? []
  if (number === undefined) {
    throw new ShaleError('INVALID_SIZE', `invalid size: ${JSON.stringify(text)}`, { hint: 'write it as 512MB or 10GB' })
  }
  return Math.trunc(Number(number) * (BINARY[unit.toLowerCase()] ?? 1))
}
