import { dockerPage, type Rule } from '../rule.ts'

export const stageNameCasing: Rule = {
  name: 'StageNameCasing',
  description: 'Stage names should be lowercase',
  url: dockerPage('stage-name-casing'),
  *check({ dockerfile }) {
    for (const { originalName: name, from } of dockerfile.stages) {
      if (name === undefined || name === name.toLowerCase()) continue
      yield { range: from.range, detail: `Stage name '${name}' should be lowercase` }
    }
  },
}
