import { ShaleError } from '../error.ts'
import { type Digest, digestHex, isDigest } from '../oci/digest.ts'
import { formatReference, parseReference } from '../oci/reference.ts'
import { parseMoment } from '../store/moment.ts'
import type { Store, TagChange } from '../store/types.ts'
import { shownName } from './promote.ts'
import type { MovedTag } from './tag-move.ts'
import { missingContent } from './whole-image.ts'

export interface RolledBack extends MovedTag {
  /** When the tag was last given to that image. */
  readonly since: number
}

/**
 * Points a tag at an image that it pointed at before: the one before the current, each further roll-back one further
 * back; or the one that `to` names by its digest (or the beginning of it) or by a moment at which the tag was there.
 * Throws `NO_TAG_HISTORY`, `NO_EARLIER_IMAGE`, `IMAGE_GONE` when the store lacks the image or parts of it, `TAG_MOVED`
 * when the tag moves meanwhile.
 */
export async function rollBack(store: Store, text: string, to?: string): Promise<RolledBack> {
  const name = tagName(text)
  const history = store.images.tagHistory(name)
  if (history.length === 0) throw noHistory(name)
  const from = store.images.getTag(name)?.digest
  const target = rollbackTarget(name, history, from, to)
  const gone = await missingContent(store, target)
  if (gone !== undefined) throw imageGone(store, name, history, target, gone)
  store.images.tag(name, target, { why: 'rollback', expected: from ?? 'none' })
  const since = history.find(change => change.digest === target)?.at as number
  return { name, from, to: target, since }
}

/**
 * The image to go back to, of a history with the newest move first. Throws `NO_EARLIER_IMAGE`, and `IMAGE_AMBIGUOUS` when
 * several images begin with `to`.
 */
export function rollbackTarget(
  name: string,
  history: readonly TagChange[],
  current: Digest | undefined,
  to: string | undefined,
): Digest {
  return to === undefined ? earlier(name, history, current) : chosen(name, history, to)
}

/** The complete name that a user's text has. Throws `INVALID_TAG` for one with a digest. */
export function tagName(text: string): string {
  const reference = parseReference(text)
  if (reference.digest === undefined) return formatReference(reference)
  throw new ShaleError('INVALID_TAG', `${text} names an image by its digest, which never moves`, {
    hint: 'name a tag',
  })
}

export function noHistory(name: string): ShaleError {
  return new ShaleError('NO_TAG_HISTORY', `the store has no history of ${shownName(name)}`, {
    hint: '`shale images` lists the tags that there are',
  })
}

/** What the tag pointed at, oldest first; a roll-back takes off what it undid, so that the next one goes further. */
export function standing(history: readonly TagChange[]): readonly (Digest | undefined)[] {
  const stack: (Digest | undefined)[] = []
  for (const { digest, why } of history.toReversed()) {
    const at = why === 'rollback' ? stack.lastIndexOf(digest) : -1
    if (at < 0) stack.push(digest)
    else stack.splice(at + 1)
  }
  return stack
}

function earlier(name: string, history: readonly TagChange[], current: Digest | undefined): Digest {
  const found = standing(history)
    .slice(0, -1)
    .findLast(digest => digest !== undefined && digest !== current)
  if (found !== undefined) return found
  throw new ShaleError(
    'NO_EARLIER_IMAGE',
    `${shownName(name)} has pointed at nothing earlier than ${current ?? 'this'}`,
    {
      hint: `see shale tags log ${shownName(name)}; --to DIGEST goes to any image of it`,
    },
  )
}

const PREFIX = /^(?:sha256:|sha512:)?[0-9a-f]{4,}$/

function chosen(name: string, history: readonly TagChange[], to: string): Digest {
  const digests = [...new Set(history.flatMap(change => change.digest ?? []))]
  const matching = PREFIX.test(to)
    ? digests.filter(digest => digest.startsWith(to) || digestHex(digest).startsWith(to))
    : []
  const [digest] = matching
  if (matching.length === 1 && digest !== undefined) return digest
  if (matching.length > 1) {
    throw new ShaleError('IMAGE_AMBIGUOUS', `${matching.length} images of ${shownName(name)} begin with ${to}`, {
      hint: `write more of it: ${matching.slice(0, 3).join(', ')}`,
    })
  }
  const moment = isDigest(to) ? undefined : parseMoment(to, Date.now())
  if (moment === undefined) throw notInHistory(name, to)
  return pointedAt(name, history, moment, to)
}

function pointedAt(name: string, history: readonly TagChange[], moment: number, to: string): Digest {
  const change = history.find(({ at }) => at <= moment)
  if (change?.digest !== undefined) return change.digest
  const oldest = history.at(-1)
  const hint = oldest && `it was first seen at ${new Date(oldest.at).toISOString()}`
  throw new ShaleError('NO_EARLIER_IMAGE', `${shownName(name)} was not there at ${to}`, { hint })
}

function notInHistory(name: string, to: string): ShaleError {
  return new ShaleError('NO_EARLIER_IMAGE', `${shownName(name)} has never pointed at ${to}`, {
    hint: `its images are in shale tags log ${shownName(name)}; for another one use shale promote; a time is 2h or 2026-01-30T12:00:00Z`,
  })
}

function imageGone(
  store: Store,
  name: string,
  history: readonly TagChange[],
  target: Digest,
  gone: string,
): ShaleError {
  const { registry, repository } = parseReference(name)
  const others = [...new Set(history.flatMap(({ digest }) => digest ?? []))].filter(
    digest => digest !== target && digest !== store.images.getTag(name)?.digest && store.images.get(digest),
  )
  const here = others.length === 0 ? '' : `; still here: ${others.slice(0, 3).join(', ')}`
  return new ShaleError('IMAGE_GONE', `cannot roll ${shownName(name)} back to ${target}: ${gone}`, {
    hint: `if it was pushed, get it back with shale pull ${registry}/${repository}@${target} and try again${here}`,
  })
}
