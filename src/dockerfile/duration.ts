/** Nanoseconds in each of the units that Go's `time.ParseDuration` knows. */
const UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1_000,
  µs: 1_000,
  μs: 1_000,
  ms: 1_000_000,
  s: 1_000_000_000,
  m: 60_000_000_000,
  h: 3_600_000_000_000,
}

const WHOLE = /^([+-]?)((?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/u
/** Units of less than a second, largest first. */
const SMALL = ['ms', 'µs', 'ns'] as const
const PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gu

/** A duration as Go prints it: `1m30s`, `1.5s`, `100ms`, `0s`. `nanoseconds` is not negative. */
export function formatDuration(nanoseconds: number): string {
  const unit = SMALL.find(name => nanoseconds >= UNITS[name]! && nanoseconds < UNITS.s!)
  if (unit !== undefined) return `${nanoseconds / UNITS[unit]!}${unit}`
  const hours = Math.floor(nanoseconds / UNITS.h!)
  const minutes = Math.floor((nanoseconds % UNITS.h!) / UNITS.m!)
  const seconds = `${(nanoseconds % UNITS.m!) / UNITS.s!}s`
  if (hours > 0) return `${hours}h${minutes}m${seconds}`
  return minutes > 0 ? `${minutes}m${seconds}` : seconds
}

/** Reads a duration such as `1m30s` or `1.5h` as Go does; nanoseconds, or undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  if (/^[+-]?0$/.test(text)) return 0
  if (!WHOLE.test(text)) return undefined
  let total = 0
  for (const [, amount, unit] of text.matchAll(PART)) total += Number(amount) * UNITS[unit!]!
  return Math.trunc(text.startsWith('-') ? -total : total)
}
