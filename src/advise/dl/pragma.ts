import type { LintRule } from '../lint/lint-rule.ts'
import { pragmasOf } from '../lint/pragma.ts'

export const dl1001: LintRule = {
  name: 'DL1001',
  severity: 'ignore',
  description: 'Silence no rule by a comment.',
  *check({ text }) {
    for (const { line, what } of pragmasOf(text)) {
      if (what.kind !== 'ignore') continue
      const range = { start: { line, column: 1 }, end: { line, column: (text.split('\n')[line - 1]?.length ?? 0) + 1 } }
      yield { range, detail: `this comment silences ${what.rules.join(', ')}` }
    }
  },
}
