import { nearest } from '../dockerfile/nearest.ts'
import type { SourceRange } from '../error.ts'
import type { BuildOptions } from './options.ts'
import type { BuildPlan } from './plan.ts'

export interface Warning {
  readonly message: string
  readonly range?: SourceRange | undefined
}

/** What is odd about a build that can go on: in the Dockerfile, and in options that it makes no use of. */
export function warnings(plan: BuildPlan, options: BuildOptions): readonly Warning[] {
  // The others are a rule's matter.
  const advice = plan.dockerfile.warnings.filter(({ kind }) => kind === 'advice')
  const found = advice.map(({ message, range }) => ({ message: `${message} (line ${range.start.line})`, range }))
  return [...found, ...unusedArguments(plan, options), ...unknownStages(plan, options)]
}

function unusedArguments({ dockerfile }: BuildPlan, { buildArgs }: BuildOptions): readonly Warning[] {
  const declared = new Set([
    ...dockerfile.metaArgs.flatMap(({ args }) => args.map(({ key }) => key)),
    ...dockerfile.instructions.flatMap(instruction =>
      instruction.kind === 'arg' ? instruction.args.map(({ key }) => key) : [],
    ),
  ])
  const unused = Object.keys(buildArgs ?? {}).filter(name => !declared.has(name) && !isPredefined(name))
  return unused.length === 0 ? [] : [{ message: `One or more build-args [${unused.join(' ')}] were not consumed` }]
}

function isPredefined(name: string): boolean {
  return /^(?:https?|ftp|no|all)_proxy$/i.test(name) || name === 'SOURCE_DATE_EPOCH' || name.startsWith('BUILDKIT_')
}

/** BuildKit says nothing of them, and a mistyped name takes everything from the cache. */
function unknownStages({ stages }: BuildPlan, { noCacheFilter }: BuildOptions): readonly Warning[] {
  const labels = stages.map(({ label }) => label)
  const known = new Set(labels.map(label => label.toLowerCase()))
  return (noCacheFilter ?? [])
    .filter(name => !known.has(name.toLowerCase()))
    .map(name => {
      const near = nearest(name, labels)
      const advice = near === undefined ? `the stages are ${labels.join(', ')}` : `did you mean ${near}?`
      return { message: `--no-cache-filter: there is no stage ${JSON.stringify(name)}: ${advice}` }
    })
}
