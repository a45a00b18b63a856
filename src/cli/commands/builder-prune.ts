import { planCachePrune } from '../../store/prune.ts'
import { CACHE_FILTERS, parseCacheFilters } from '../cache-filter.ts'
import { command } from '../command.ts'
import { boolean, list, text } from '../flag.ts'
import { parseBytes } from '../format/size.ts'
import { prune, pruneFlags } from '../prune.ts'

export default command({
  usage: '[OPTIONS]',
  about: 'Remove recorded build steps that no image needs, with --all every one.',
  examples: [
    ['builder prune', 'remove what no image needs'],
    ['builder prune -f --keep-storage 10GB', 'keep the 10 GB used last'],
    ['builder prune --filter until=168h --dry-run', 'what would go: not used for a week'],
  ],
  args: { min: 0, max: 0 },
  flags: {
    ...pruneFlags,
    all: boolean('Also steps whose layers an image has', { short: 'a' }),
    filter: list(`Only steps for which this holds (${CACHE_FILTERS.join(', ')})`, { placeholder: 'filter' }),
    keepStorage: text('Amount of cache to keep', { placeholder: 'bytes' }),
    reservedSpace: text('Newer name of --keep-storage', { placeholder: 'bytes' }),
  },
  async run(context, { flags }) {
    const now = Date.now()
    const { until, matches } = parseCacheFilters(flags.filter, now)
    const keep = flags.keepStorage ?? flags.reservedSpace
    const keepStorage = keep === undefined ? undefined : parseBytes(keep)
    return await prune(context, {
      ...flags,
      name: 'builder prune',
      warning: `WARNING! This will remove all ${flags.all ? '' : 'dangling '}build cache.`,
      plan: store => planCachePrune(store, { all: flags.all, filter: until, only: matches, keepStorage, now }),
    })
  },
})
