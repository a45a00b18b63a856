import { ShaleError } from '../error.ts'
import { parseMoment } from './moment.ts'

/** `--filter` of the prune commands, read. */
export interface PruneFilter {
  /** Milliseconds since 1970: only what is older goes. */
  readonly before?: number | undefined
  /** `until` as the user wrote it. */
  readonly until?: string | undefined
  /** All must match: `key`, or `key=value`. */
  readonly labels: readonly string[]
  /** None may match. */
  readonly notLabels: readonly string[]
}

export const NO_FILTER: PruneFilter = { labels: [], notLabels: [] }

/**
 * Reads filters as `docker image prune --filter` takes them: `until=24h`, `until=2024-05-01T00:00:00Z`,
 * `label=key[=value]`, `label!=key[=value]`. Throws `INVALID_FILTER`.
 */
export function parsePruneFilters(texts: readonly string[], now: number): PruneFilter {
  return texts.reduce((filter, text) => withFilter(filter, text, now), NO_FILTER)
}

function withFilter(filter: PruneFilter, text: string, now: number): PruneFilter {
  const [, name, not, value] = /^(\w+)(!?)=(.*)$/s.exec(text) ?? []
  if (name === 'until' && not === '' && value) return { ...filter, until: value, before: parseUntil(value, now) }
  if (name === 'label' && value) {
    return not === ''
      ? { ...filter, labels: [...filter.labels, value] }
      : { ...filter, notLabels: [...filter.notLabels, value] }
  }
  throw new ShaleError('INVALID_FILTER', `invalid filter ${JSON.stringify(text)}`, {
    hint: 'filters are until=24h, until=2024-05-01, label=key, label=key=value and label!=key',
  })
}

function parseUntil(text: string, now: number): number {
  const moment = parseMoment(text, now)
  if (moment !== undefined) return moment
  throw new ShaleError('INVALID_FILTER', `invalid filter "until=${text}": it is no duration and no time`, {
    hint: 'write until=24h, until=10m or until=2024-05-01T12:00:00Z',
  })
}

/** The label filter that keeps something with these labels, as the user would read it; undefined when none does. */
export function labelThatKeeps(filter: PruneFilter, labels: Readonly<Record<string, string>>): string | undefined {
  const missing = filter.labels.find(label => !hasLabel(labels, label))
  if (missing !== undefined) return `it does not have the label ${missing}`
  const present = filter.notLabels.find(label => hasLabel(labels, label))
  return present === undefined ? undefined : `it has the label ${present}`
}

function hasLabel(labels: Readonly<Record<string, string>>, text: string): boolean {
  const equals = text.indexOf('=')
  const key = equals < 0 ? text : text.slice(0, equals)
  return Object.hasOwn(labels, key) && (equals < 0 || labels[key] === text.slice(equals + 1))
}
