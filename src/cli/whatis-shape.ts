import type { BaseState } from '../release/base-state.ts'
import type { ImageFacts } from '../release/facts.ts'
import { shownName } from '../release/promote.ts'
import { stateName } from './container-rows.ts'
import { record } from './format/template/value.ts'
import type { AskedContainer } from './whatis-container.ts'

const utc = (milliseconds: number) => new Date(milliseconds).toISOString()

/** What `whatis` knows, as templates and JSON have it: what is not known is empty, times are RFC 3339. */
export function whatisShape(
  facts: ImageFacts,
  base: BaseState | undefined,
  container: AskedContainer | undefined,
): object {
  const { id, name, place, platform, labels, tags, moves, builds } = facts
  return record('whatis.Image', {
    Id: id,
    Name: name === undefined ? '' : shownName(name),
    Place: place,
    Container: containerShape(container),
    Platform: platform ?? '',
    Revision: labels.revision ?? facts.origin?.revision ?? '',
    Version: labels.version ?? '',
    Builds: builds,
    Source: labels.source ?? '',
    Created: labels.created ?? '',
    Built: builtShape(facts),
    Base: baseShape(facts, base),
    Tags: tags.map(shownName),
    Variants: (facts.variants ?? []).map(({ digest, compression }) =>
      record('whatis.Variant', { Digest: digest, Compression: compression }),
    ),
    Moves: moves.map(move =>
      record('whatis.Move', {
        At: utc(move.at),
        Why: move.why,
        By: move.who ?? '',
        Place: move.place,
        Name: shownName(move.name),
        From: move.from ?? '',
        To: move.to ?? '',
      }),
    ),
  })
}

function containerShape(container: AskedContainer | undefined): object {
  return record('whatis.Container', {
    Id: container?.row.id ?? '',
    Name: container?.row.name ?? '',
    State: container === undefined ? '' : stateName(container.row),
    Created: container === undefined ? '' : utc(container.row.createdAt),
    Image: container?.image ?? '',
    Moved: container?.moved ?? '',
  })
}

function builtShape({ origin }: ImageFacts): object {
  return record('whatis.Built', {
    At: origin === undefined ? '' : utc(origin.at),
    By: origin?.who ?? '',
    Builder: origin?.builder ?? '',
    Dockerfile: origin?.dockerfile ?? '',
    DockerfileDigest: origin?.dockerfileDigest ?? '',
    Target: origin?.target ?? '',
  })
}

function baseShape({ base }: ImageFacts, state: BaseState | undefined): object {
  return record('whatis.Base', {
    Name: base?.name ?? '',
    Digest: base?.digest ?? '',
    State: state?.kind ?? '',
    Now: state?.kind === 'moved' ? state.now : '',
    Why: state?.kind === 'unknown' ? state.why : '',
  })
}
