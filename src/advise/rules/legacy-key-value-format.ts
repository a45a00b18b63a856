import { dockerPage, type Rule } from '../rule.ts'

export const legacyKeyValueFormat: Rule = {
  name: 'LegacyKeyValueFormat',
  description: 'Legacy key/value format with whitespace separator should not be used',
  url: dockerPage('legacy-key-value-format'),
  *check({ steps }) {
    for (const { instruction } of steps) {
      if ((instruction.kind !== 'env' && instruction.kind !== 'label') || !instruction.legacy) continue
      const name = instruction.kind.toUpperCase()
      const detail = `"${name} key=value" should be used instead of legacy "${name} key value" format`
      yield { range: instruction.range, detail }
    }
  },
}
