import { dockerPage, type Rule } from '../rule.ts'

export const exposeProtoCasing: Rule = {
  name: 'ExposeProtoCasing',
  description: 'Protocol in EXPOSE instruction should be lowercase',
  url: dockerPage('expose-proto-casing'),
  *check({ steps }) {
    for (const { expanded } of steps) {
      if (expanded.kind !== 'expose') continue
      for (const port of expanded.ports) {
        const protocol = port.slice(port.indexOf('/') + 1)
        if (!port.includes('/') || protocol === protocol.toLowerCase()) continue
        const detail = `Defined protocol '${port}' in EXPOSE instruction should be lowercase`
        yield { range: expanded.range, detail }
      }
    }
  },
}
