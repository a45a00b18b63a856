import { shortDigest } from '../oci/digest.ts'
import { parseReference } from '../oci/reference.ts'
import type { BaseState } from '../release/base-state.ts'
import type { ImageFacts } from '../release/facts.ts'
import { shownName } from '../release/promote.ts'
import { statusText } from './container-rows.ts'
import { renderTable } from './format/table.ts'
import { isoLocalTime, timeAgo } from './format/time.ts'
import { oneLine } from './progress/text.ts'
import type { AskedContainer } from './whatis-container.ts'

interface BaseAnswer {
  readonly state: BaseState
  /** Whether the registry was asked, and not the store. */
  readonly asked: boolean
}

interface WhatisAnswer {
  readonly facts: ImageFacts
  readonly base: BaseAnswer | undefined
  /** The container that the image was asked for by. */
  readonly container: AskedContainer | undefined
}

/** The answer of `whatis` for people: a line for each fact, then the moves. */
export function whatisText({ facts, base, container }: WhatisAnswer, now: number): string {
  const { labels, origin, builds, tags, platform } = facts
  const revision = labels.revision ?? origin?.revision
  const lines: readonly (readonly [string, string | undefined])[] = [
    ...containerLines(container, now),
    ['image', `${facts.id} (${PLACES[facts.place]})`],
    ...variantLines(facts),
    ['registry', registryLine(facts)],
    ['commit', revision ?? (facts.place === 'gone' ? undefined : 'not known: it has no label for it')],
    ['version', labels.version],
    ['build', builds.length === 0 ? undefined : builds.join(', ')],
    ['source', labels.source],
    ['created', labels.created],
    ['platform', platform],
    ['built', origin && `${isoLocalTime(origin.at)} by ${origin.who} with ${origin.builder}`],
    ['Dockerfile', origin && dockerfileText(origin)],
    ...baseLines(facts, base),
    ...(tags.length === 0 ? ['none'] : tags.map(shownName)).map((tag, at) => [at === 0 ? 'tags' : '', tag] as const),
  ]
  const told = lines.flatMap(([key, value]) =>
    value === undefined ? [] : [`${(key && `${key}:`).padEnd(WIDTH)}${oneLine(value)}\n`],
  )
  return `${told.join('')}${movesText(facts, now)}`
}

const WIDTH = 12
const PLACES = { store: 'in the store', registry: 'in the registry', gone: 'no longer in the store' } as const

function containerLines(container: AskedContainer | undefined, now: number): readonly (readonly [string, string])[] {
  if (container === undefined) return []
  const { row, image, moved } = container
  const line = `${row.name} (${row.id.slice(0, 12)}), ${statusText(row, now)}, made from ${image}`
  if (moved === undefined) return [['container', line]]
  const change = moved === 'none' ? 'is no image here any more' : `is another image now: ${moved}`
  return [
    ['container', line],
    ['', `${image} ${change}`],
  ]
}

function variantLines({ variants = [], asked }: ImageFacts): readonly (readonly [string, string])[] {
  return variants.map(({ digest, compression }) => {
    const question = digest === asked ? ': this one was asked for' : ''
    return [compression, `${digest} (pushed with ${compression} layers${question})`] as const
  })
}

function dockerfileText({ dockerfile, dockerfileDigest, target }: NonNullable<ImageFacts['origin']>): string {
  return `${dockerfile}${target === undefined ? '' : `, target ${target}`} (${dockerfileDigest})`
}

function baseLines({ base }: ImageFacts, answer: BaseAnswer | undefined): readonly (readonly [string, string])[] {
  if (base === undefined || answer === undefined) return []
  const name = base.name.includes('@') ? base.name : `${base.name}@${base.digest}`
  return [
    ['base', name],
    ['base now', baseNow(answer)],
  ]
}

function baseNow({ state, asked }: BaseAnswer): string {
  const place = asked ? 'in its registry' : 'in the store'
  const more = asked ? '' : '; --check-base asks its registry'
  switch (state.kind) {
    case 'pinned':
      return 'named by its digest, it cannot move'
    case 'current':
      return `the same ${place}${more}`
    case 'moved':
      return `it has moved: ${state.now} ${place}`
    case 'unknown':
      return `not known: ${state.why}${more}`
  }
}

/** A tag in the store may be behind the registry's. */
function registryLine({ place, name }: ImageFacts): string | undefined {
  const registry = name === undefined ? 'docker.io' : parseReference(name).registry
  if (place !== 'store' || registry === 'docker.io') return undefined
  return `not asked where ${registry} has it now; --registry does`
}

function movesText({ moves }: ImageFacts, now: number): string {
  if (moves.length === 0) return ''
  const rows = moves.map(({ at, why, who, place, name, from }) => [
    timeAgo(at, now),
    why,
    who ?? '<unknown>',
    place,
    shownName(name),
    from === undefined ? '<none>' : shortDigest(from),
  ])
  return `\n${renderTable([['WHEN', 'WHY', 'BY', 'PLACE', 'NAME', 'FROM'], ...rows])}`
}
