import type { RecordUsage } from '../store/cache-usage.ts'
import { type PruneFilter, parsePruneFilters } from '../store/prune-filter.ts'
import { booleanFilter, type Filters, parseFilters } from './filter.ts'

/** The filters of `builder du` and `builder prune`. */
export const CACHE_FILTERS: readonly string[] = ['description', 'id', 'inuse', 'private', 'shared', 'type', 'until']

/** What `--filter` asks for of recorded steps. */
export interface CacheFilter {
  readonly until: PruneFilter
  /** All but `until`; undefined when nothing else was asked for. */
  readonly matches: ((usage: RecordUsage) => boolean) | undefined
}

/** Throws `USAGE` and `INVALID_FILTER`. */
export function parseCacheFilters(words: readonly string[], now: number): CacheFilter {
  // An older name that docker still takes.
  const given = words.map(word => word.replace(/^\s*unused-for\s*=/, 'until='))
  const filters = parseFilters(given, CACHE_FILTERS)
  const until = (filters.get('until') ?? []).map(value => `until=${value}`)
  const isMore = [...filters.keys()].some(key => key !== 'until')
  return { until: parsePruneFilters(until, now), matches: isMore ? matcher(filters) : undefined }
}

function matcher(filters: Filters): (usage: RecordUsage) => boolean {
  const shared = booleanFilter(filters, 'shared') ?? not(booleanFilter(filters, 'private'))
  const inUse = booleanFilter(filters, 'inuse')
  const ids = filters.get('id') ?? []
  const types = filters.get('type') ?? []
  const descriptions = filters.get('description') ?? []
  return ({ record, shared: isShared, reclaimable }) =>
    (shared === undefined || shared === isShared) &&
    (inUse === undefined || inUse === !reclaimable) &&
    ids.every(id => record.key.startsWith(id) || record.key.startsWith(`sha256:${id}`)) &&
    types.every(type => type === record.kind) &&
    descriptions.every(words => record.title.includes(words))
}

function not(value: boolean | undefined): boolean | undefined {
  return value === undefined ? undefined : !value
}
