import { ShaleError } from '../../error.ts'
import { parseReference } from '../../oci/reference.ts'
import { instructionRule, type LintRule } from '../lint/lint-rule.ts'
import type { LintStage, LintSubject } from '../lint/subject.ts'
import { isVariable, unquoted } from '../lint/variables.ts'
import type { Violation } from '../rule.ts'

/** The image that a stage is made from, variables with a known value replaced; undefined for stages and `scratch`. */
function imageOf({ from, parent, steps }: LintStage): string | undefined {
  if (from === undefined || parent !== undefined) return undefined
  const image = steps[0]?.variables.expand(unquoted(from.image)) ?? unquoted(from.image)
  return image === 'scratch' ? undefined : image
}

/** Whether an image has a tag; a port of a registry is none. */
function hasTag(image: string): boolean {
  return image.slice(image.lastIndexOf('/') + 1).includes(':')
}

function imageRule(
  facts: Pick<LintRule, 'name' | 'severity' | 'description'>,
  look: (image: string) => string | undefined,
): LintRule {
  return {
    ...facts,
    *check({ stages }) {
      for (const stage of stages) {
        const image = imageOf(stage)
        const detail = image === undefined ? undefined : look(image)
        if (detail !== undefined) yield { range: stage.from!.range, detail }
      }
    },
  }
}

export const dl3006 = imageRule(
  { name: 'DL3006', severity: 'warning', description: 'Name a tag of the base image.' },
  image => {
    if (isVariable(image) || image.includes('@') || hasTag(image)) return undefined
    return `${image} has no tag, so that it is whatever latest is today: write ${image}:TAG`
  },
)

export const dl3007 = imageRule(
  { name: 'DL3007', severity: 'warning', description: 'Name a tag of the base image that is not latest.' },
  image => {
    if (image.includes('@') || !image.endsWith(':latest')) return undefined
    return `${image} is another image whenever it is published: name a release`
  },
)

interface Origin extends Violation {
  readonly image: string
}

/** Every image that the file takes something from. */
function* origins({ stages }: LintSubject): Iterable<Origin> {
  for (const stage of stages) {
    const image = imageOf(stage)
    if (image !== undefined) yield { image, range: stage.from!.range, detail: 'FROM' }
    for (const { instruction, outer, variables } of stage.steps) {
      const taken =
        instruction.kind === 'copy'
          ? [instruction.from]
          : instruction.kind === 'run'
            ? instruction.mounts.map(({ options }) => options.find(({ key }) => key === 'from')?.value)
            : []
      for (const name of taken) {
        if (name === undefined) continue
        const from = variables.expand(unquoted(name))
        const isStage = stages.some(({ from: named }) => named?.stageName === from.toLowerCase())
        if (!isStage && !/^\d+$/.test(from)) yield { image: from, range: outer.range, detail: 'from' }
      }
    }
  }
}

export const dl3026: LintRule = {
  name: 'DL3026',
  severity: 'error',
  description: 'Take images only from the registries that trustedRegistries allows.',
  *check(subject) {
    const { trustedRegistries } = subject.config
    if (trustedRegistries.length === 0) return
    for (const { image, range } of origins(subject)) {
      const registry = registryOf(image)
      if (registry === undefined || trustedRegistries.some(one => matches(one, registry))) continue
      const detail = `${image} comes from ${registry}, which is none of ${trustedRegistries.join(', ')}`
      yield { range, detail }
    }
  },
}

function registryOf(image: string): string | undefined {
  if (isVariable(image)) return undefined
  try {
    return parseReference(image).registry
  } catch (error) {
    if (error instanceof ShaleError) return undefined
    throw error
  }
}

/** Names of Docker Hub. */
const HUB: ReadonlySet<string> = new Set(['docker.io', 'hub.docker.com', 'index.docker.io', 'registry-1.docker.io'])

function matches(allowed: string, registry: string): boolean {
  if (allowed === '*' || allowed === registry) return true
  if (HUB.has(allowed) && HUB.has(registry)) return true
  if (allowed.startsWith('*')) return registry.endsWith(allowed.slice(1))
  return allowed.endsWith('*') && registry.startsWith(allowed.slice(0, -1))
}

const VARIABLE_PLATFORM = /\$\{?(?:BUILD|TARGET)PLATFORM\b/

export const dl3029 = instructionRule(
  {
    name: 'DL3029',
    severity: 'warning',
    description: 'Write no fixed --platform into FROM.',
    twin: 'FromPlatformFlagConstDisallowed',
  },
  ['from'],
  ({ platform }) => {
    if (platform === undefined || platform.includes('$')) return undefined
    return `FROM --platform=${unquoted(platform)} holds for this platform only: leave it to the build`
  },
)

export const dl3065 = instructionRule(
  {
    name: 'DL3065',
    severity: 'warning',
    description: 'Leave out --platform=$TARGETPLATFORM: it is the default.',
    twin: 'RedundantTargetPlatform',
  },
  ['from'],
  ({ platform }) => {
    const isTarget = platform !== undefined && VARIABLE_PLATFORM.test(platform) && platform.includes('TARGETPLATFORM')
    return isTarget ? '--platform=$TARGETPLATFORM is what FROM does by itself' : undefined
  },
)

export const dl3024: LintRule = {
  name: 'DL3024',
  severity: 'error',
  description: 'Give every stage a name of its own.',
  twin: 'DuplicateStageName',
  *check({ stages }) {
    const seen = new Set<string>()
    for (const { from } of stages) {
      if (from?.stageName === undefined) continue
      if (seen.has(from.stageName)) {
        yield { range: from.range, detail: `there is another stage ${from.stageName} above: name it otherwise` }
      }
      seen.add(from.stageName)
    }
  },
}

export const dl3063 = instructionRule(
  {
    name: 'DL3063',
    severity: 'warning',
    description: 'Name no stage scratch or context.',
    twin: 'ReservedStageName',
  },
  ['from'],
  ({ stageName }) => {
    if (stageName !== 'scratch' && stageName !== 'context') return undefined
    return `${stageName} means something else to a build: name the stage otherwise`
  },
)

export const dl3061: LintRule = {
  name: 'DL3061',
  severity: 'error',
  description: 'Begin with FROM; only ARG may stand before it.',
  *check({ stages }) {
    const [first] = stages
    if (first === undefined || first.from !== undefined) return
    for (const { instruction, outer } of first.steps) {
      if (instruction.kind === 'arg') continue
      yield { range: outer.range, detail: `${outer.keyword.toUpperCase()} stands before the first FROM, in no stage` }
      return
    }
  },
}
