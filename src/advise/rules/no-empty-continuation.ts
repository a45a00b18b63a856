import { dockerPage, type Rule } from '../rule.ts'

export const noEmptyContinuation: Rule = {
  name: 'NoEmptyContinuation',
  description: 'Empty continuation lines will become errors in a future release',
  url: dockerPage('no-empty-continuation'),
  *check({ dockerfile }) {
    for (const { kind, range } of dockerfile.warnings) {
      if (kind === 'empty-continuation') yield { range, detail: 'Empty continuation line' }
    }
  },
}
