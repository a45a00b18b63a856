import { dockerPage, type Rule } from '../rule.ts'

export const duplicateStageName: Rule = {
  name: 'DuplicateStageName',
  description: 'Stage names should be unique',
  url: dockerPage('duplicate-stage-name'),
  *check({ dockerfile }) {
    const seen = new Set<string>()
    for (const { name, originalName, from } of dockerfile.stages) {
      if (name === undefined) continue
      if (seen.has(name)) {
        const shown = JSON.stringify(originalName ?? name)
        yield { range: from.range, detail: `Duplicate stage name ${shown}, stage names should be unique` }
      }
      seen.add(name)
    }
  },
}
