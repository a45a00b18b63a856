import { dockerPage, type Rule } from '../rule.ts'

export const fromAsCasing: Rule = {
  name: 'FromAsCasing',
  description: "The 'as' keyword should match the case of the 'from' keyword",
  url: dockerPage('from-as-casing'),
  *check({ dockerfile }) {
    for (const { from } of dockerfile.stages) {
      const { keyword, asKeyword: as } = from
      // A FROM in mixed case is another rule's matter.
      const wanted = keyword === keyword.toLowerCase() ? as?.toLowerCase() : as?.toUpperCase()
      if (as === wanted || !isOneCase(keyword)) continue
      yield { range: from.range, detail: `'${as}' and '${keyword}' keywords' casing do not match` }
    }
  },
}

function isOneCase(word: string): boolean {
  return word === word.toLowerCase() || word === word.toUpperCase()
}
