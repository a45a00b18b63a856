import type { EnvInstruction, LabelInstruction } from '../../dockerfile/instruction.ts'
import { dockerPage, type Edit, type Rule } from '../rule.ts'

export const legacyKeyValueFormat: Rule = {
  name: 'LegacyKeyValueFormat',
  description: 'Legacy key/value format with whitespace separator should not be used',
  url: dockerPage('legacy-key-value-format'),
  *check({ steps }) {
    for (const { instruction } of steps) {
      if ((instruction.kind !== 'env' && instruction.kind !== 'label') || !instruction.legacy) continue
      const name = instruction.kind.toUpperCase()
      const detail = `"${name} key=value" should be used instead of legacy "${name} key value" format`
      yield { range: instruction.range, detail, fix: withEquals(instruction) }
    }
  },
}

/** Quotes around what the old form takes to the line's end; left alone is what has quotes or escapes of its own. */
function withEquals({ pairs, keywordRange, range }: EnvInstruction | LabelInstruction): readonly Edit[] | undefined {
  const [pair] = pairs
  if (pair === undefined || range.start.line !== range.end.line || /["'\\`]/.test(pair.key + pair.value))
    return undefined
  const value = /^[\w./:@%+,$={}-]+$/.test(pair.value) ? pair.value : `"${pair.value}"`
  return [{ range: { start: keywordRange.end, end: range.end }, text: ` ${pair.key}=${value}` }]
}
