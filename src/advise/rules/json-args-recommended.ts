import { dockerPage, type Rule } from '../rule.ts'

export const jsonArgsRecommended: Rule = {
  name: 'JSONArgsRecommended',
  description: 'JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior related to OS signals',
  url: dockerPage('json-args-recommended'),
  *check({ steps }) {
    for (const { instruction, hasShell, baseUnknown } of steps) {
      if (instruction.kind !== 'cmd' && instruction.kind !== 'entrypoint') continue
      // Who has chosen a SHELL wants one.
      if (instruction.form === 'exec' || hasShell || baseUnknown) continue
      const name = instruction.kind.toUpperCase()
      const detail = `JSON arguments recommended for ${name} to prevent unintended behavior related to OS signals`
      yield { range: instruction.range, detail }
    }
  },
}
