import { shownName } from '../release/promote.ts'
import type { MovedTag } from '../release/tag-move.ts'

interface Looks {
  readonly quiet: boolean
  readonly inRegistry?: boolean | undefined
  /** When the tag was given to the image that it is at now. */
  readonly since?: string | undefined
}

/** What moved from where to where; when quiet only the digest. */
export function movedTag({ name, from, to }: MovedTag, what: string, { quiet, inRegistry, since }: Looks): string {
  if (quiet) return `${to}\n`
  const place = inRegistry === true ? ' in the registry' : ''
  if (from === to) return `${shownName(name)} is already there${place}\nat:   ${to}\n`
  const when = since === undefined ? '' : ` (since ${since})`
  return `${shownName(name)} ${what}${place}\nfrom: ${from ?? 'none'}\nto:   ${to}${when}\n`
}
