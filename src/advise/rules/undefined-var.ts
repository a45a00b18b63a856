import { nearest } from '../../dockerfile/nearest.ts'
import { dockerPage, type Rule } from '../rule.ts'

/** They mean something to BuildKit though nobody sets them. */
const OTHERWISE_KNOWN: ReadonlySet<string> = new Set(['BUILDKIT_SBOM_SCAN_CONTEXT', 'BUILDKIT_SBOM_SCAN_STAGE'])

export const undefinedVar: Rule = {
  name: 'UndefinedVar',
  description: 'Variables should be defined before their use',
  url: dockerPage('undefined-var'),
  *check({ steps }) {
    for (const { instruction, unset, known, baseUnknown } of steps) {
      for (const name of unset) {
        if (OTHERWISE_KNOWN.has(name)) continue
        const near = nearest(name, known())
        // A base that nobody has seen may set it; only what looks mistyped is worth a word.
        if (near === undefined && baseUnknown) continue
        const meant = near === undefined ? '' : ` (did you mean $${near}?)`
        yield { range: instruction.range, detail: `Usage of undefined variable '$${name}'${meant}` }
      }
    }
  },
}
