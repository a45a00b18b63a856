import { imagesInUse } from '../../container/prune.ts'
import { planImagePrune } from '../../store/prune.ts'
import { type PruneFilter, parsePruneFilters } from '../../store/prune-filter.ts'
import { command } from '../command.ts'
import { booleanFilter, parseFilters } from '../filter.ts'
import { boolean, list } from '../flag.ts'
import { prune, pruneFlags } from '../prune.ts'

export default command({
  usage: '[OPTIONS]',
  about: 'Remove images that have no name (dangling ones), with --all every image that no container uses.',
  examples: [
    ['image prune', 'remove dangling images'],
    ['image prune -a --filter until=24h --dry-run', 'what would go: everything older than a day'],
    ['image prune -a --explain --dry-run', 'and why'],
  ],
  args: { min: 0, max: 0 },
  flags: {
    ...pruneFlags,
    all: boolean('Also images that have names, unless a container uses them', { short: 'a' }),
    filter: list("Only what matches: 'until=24h', 'label=KEY[=VALUE]', 'label!=KEY', 'dangling=true|false'", {
      placeholder: 'filter',
    }),
  },
  async run(context, { flags }) {
    const now = Date.now()
    const { filter, all } = readFilters(flags, now)
    const what = all ? 'all images without at least one container associated to them' : 'all dangling images'
    return await prune(context, {
      ...flags,
      name: 'image prune',
      warning: `WARNING! This will remove ${what}.`,
      plan: store => planImagePrune(store, { all, filter, now, inUse: imagesInUse(store) }),
    })
  },
})

/** `dangling=true` keeps images with names, even with `--all`; `dangling=false` is another way to say `--all`. */
function readFilters(
  flags: { readonly all: boolean; readonly filter: readonly string[] },
  now: number,
): { readonly filter: PruneFilter; readonly all: boolean } {
  const isDangling = (word: string) => /^\s*dangling\s*=/.test(word)
  const dangling = booleanFilter(parseFilters(flags.filter.filter(isDangling), ['dangling']), 'dangling')
  const filter = parsePruneFilters(
    flags.filter.filter(word => !isDangling(word)),
    now,
  )
  return { filter, all: dangling === undefined ? flags.all : !dangling }
}
