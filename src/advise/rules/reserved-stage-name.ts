import { dockerPage, type Rule } from '../rule.ts'

/** `FROM scratch` and `COPY --from=context` mean something already. */
const RESERVED: ReadonlySet<string> = new Set(['scratch', 'context'])

export const reservedStageName: Rule = {
  name: 'ReservedStageName',
  description: 'Reserved words should not be used as stage names',
  url: dockerPage('reserved-stage-name'),
  *check({ dockerfile }) {
    for (const { name, from } of dockerfile.stages) {
      if (name === undefined || !RESERVED.has(name)) continue
      const detail = `Stage name should not use the same name as reserved stage ${JSON.stringify(name)}`
      yield { range: from.range, detail }
    }
  },
}
