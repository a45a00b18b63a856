import { type Digest, shortDigest } from '../../oci/digest.ts'
import { familiarReference, parseReference } from '../../oci/reference.ts'
import { type Move, movesOfTag } from '../../release/moves.ts'
import { noHistory, tagName } from '../../release/rollback.ts'
import type { Store } from '../../store/types.ts'
import { command } from '../command.ts'
import { boolean, text } from '../flag.ts'
import { formatRows, type Listing } from '../format/format.ts'
import { isoLocalTime, timeAgo } from '../format/time.ts'

const LISTING: Listing = {
  type: '*formatter.tagChangeContext',
  headings: {
    At: 'AT',
    By: 'BY',
    From: 'FROM',
    Name: 'NAME',
    Place: 'PLACE',
    Since: 'WHEN',
    State: 'STATE',
    To: 'TO',
    Why: 'WHY',
  },
}

const NONE = '<none>'

export default command({
  usage: '[OPTIONS] NAME[:TAG]',
  about:
    'Show every move of a tag, the last one first: when, why, by whom, from which image to which. STATE says of the ' +
    'image that it went to whether the tag is there now (current), the image is still stored (here) or was removed ' +
    '(gone). Moves that were made in a registry from here have PLACE registry.',
  examples: [
    ['tags log app:prod', 'what was in production, and when?'],
    ['tags log --no-trunc app:prod', 'with whole digests'],
    ["tags log --format '{{.At}} {{.By}} {{.To}}' app:prod", 'only these fields'],
  ],
  args: { min: 1, max: 1 },
  flags: {
    format: text("Go template, 'table TEMPLATE', or json"),
    noTrunc: boolean('Show whole digests and times'),
    quiet: boolean('Show only the digests that the tag went to', { short: 'q' }),
  },
  async run(context, { args, flags }) {
    const name = tagName(args[0] as string)
    const store = await context.store()
    const moves = movesOfTag(store, name)
    if (moves.length === 0) throw noHistory(name)
    const now = Date.now()
    const newest = moves.find(({ place }) => place === 'store')
    const rows = moves.map(move => rowOf(move, stateOf(store, move, move === newest), { noTrunc: flags.noTrunc, now }))
    const when = flags.noTrunc ? '{{.At}}' : '{{.Since}}'
    const usual = `table ${when}\t{{.Why}}\t{{.By}}\t{{.Place}}\t{{.From}}\t{{.To}}\t{{.State}}`
    const format = flags.quiet ? '{{.To}}' : (flags.format ?? 'table')
    context.out.write(formatRows(format === 'table' ? usual : format, LISTING, rows))
    return 0
  },
})

type State = 'current' | 'here' | 'gone' | ''

function stateOf(store: Store, { name, place, to }: Move, isNewest: boolean): State {
  if (to === undefined) return ''
  if (place === 'store' && isNewest && store.images.getTag(name)?.digest === to) return 'current'
  return store.images.get(to) === undefined ? 'gone' : 'here'
}

function rowOf(
  { name, at, why, who, place, from, to }: Move,
  state: State,
  { noTrunc, now }: { readonly noTrunc: boolean; readonly now: number },
): Record<string, string> {
  const shown = (digest: Digest | undefined) => (digest === undefined ? NONE : noTrunc ? digest : shortDigest(digest))
  return {
    At: isoLocalTime(at),
    By: who ?? '<unknown>',
    From: shown(from),
    Name: familiarReference(parseReference(name)),
    Place: place,
    Since: timeAgo(at, now),
    State: state,
    To: shown(to),
    Why: why,
  }
}
