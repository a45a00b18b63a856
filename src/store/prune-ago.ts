const SPANS: readonly (readonly [name: string, milliseconds: number])[] = [
  ['year', 365 * 86_400_000],
  ['month', 30 * 86_400_000],
  ['week', 7 * 86_400_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
]

/** A moment in the past as a person says it: `3 days ago`. Times in ms since 1970. */
export function ago(time: number, now: number): string {
  const elapsed = now - time
  const [name, milliseconds] = SPANS.find(([, span]) => elapsed >= span) ?? ['', 0]
  if (milliseconds === 0) return 'just now'
  const count = Math.floor(elapsed / milliseconds)
  return `${count} ${name}${count === 1 ? '' : 's'} ago`
}
