import { dockerPage, type Rule } from '../rule.ts'
import type { Step } from '../subject.ts'

const ONCE: ReadonlySet<string> = new Set(['cmd', 'entrypoint', 'healthcheck'])

export const multipleInstructionsDisallowed: Rule = {
  name: 'MultipleInstructionsDisallowed',
  description: 'Multiple instructions of the same type should not be used in the same stage',
  url: dockerPage('multiple-instructions-disallowed'),
  *check({ steps }) {
    const last = new Map<string, Step>()
    for (const step of steps) {
      const { kind } = step.instruction
      if (!ONCE.has(kind)) continue
      const key = `${step.stage.index} ${kind}`
      const ignored = last.get(key)
      last.set(key, step)
      if (ignored === undefined) continue
      const why = 'should not be used in the same stage because only the last one will be used'
      // The one before is that which counts for nothing.
      yield { range: ignored.instruction.range, detail: `Multiple ${kind.toUpperCase()} instructions ${why}` }
    }
  },
}
