import type { Bench, Built, Step } from './bench.ts'
import { DOCKERFILE, FILES, type Mutation } from './mutation-row.ts'

/** Builds, changes what the row says, builds again; gives the steps that ran, as the row lists them. */
export async function secondBuild(at: Bench, row: Mutation): Promise<readonly string[]> {
  // Content of its own, so that no other row has built the changed state. Where nothing may run, none has in any case.
  const own = row.runs.length === 0 ? 'shared' : row.change
  await at.build(`FROM busybox\nCOPY <<EOF /row\n${own}\nEOF`, { tags: ['base'] })
  const context = await at.context({ ...FILES, 'src/own': own, late: own, ...row.files })
  const dockerfile = row.dockerfile ?? DOCKERFILE
  await at.build(dockerfile, { context, ...row.options })
  const changed = (await row.mutate(context, at, dockerfile)) ?? {}
  return whatRan(await at.build(changed.dockerfile ?? dockerfile, { context, ...changed.options }))
}

/** `RUN x <- kind: summary` of each step that ran, by stage and then in the order of the Dockerfile. */
export function whatRan({ steps }: Built): readonly string[] {
  return steps
    .filter(({ status, reason }) => status === 'ran' && reason !== undefined)
    .toSorted((a, b) => place(a).localeCompare(place(b)))
    .map(({ name, reason }) => `${name.replace(/^\[.*?\] /, '')} <- ${reason?.kind}: ${reason?.summary}`)
}

function place({ name }: Step): string {
  const [, stage = '', ordinal = ''] = /^\[(\S+) (?:onbuild )?(\d+)\//.exec(name) ?? []
  return `${stage} ${ordinal.padStart(3, '0')}`
}
