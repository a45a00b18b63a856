import type { FromInstruction } from '../../dockerfile/instruction.ts'
import { dockerPage, type Edit, type Rule } from '../rule.ts'

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
      yield {
        range: from.range,
        detail: `'${as}' and '${keyword}' keywords' casing do not match`,
        fix: recased(from, wanted),
      }
    }
  },
}

/** Where FROM is on one line: AS is the word after the image. */
function recased({ range, imageRange, raw }: FromInstruction, wanted: string | undefined): readonly Edit[] | undefined {
  if (wanted === undefined || range.start.line !== range.end.line) return undefined
  const after = raw.slice(imageRange.end.column - range.start.column)
  const column = imageRange.end.column + (/^[ \t]*/.exec(after)?.[0].length ?? 0)
  const { line } = range.start
  return [{ range: { start: { line, column }, end: { line, column: column + wanted.length } }, text: wanted }]
}

function isOneCase(word: string): boolean {
  return word === word.toLowerCase() || word === word.toUpperCase()
}
