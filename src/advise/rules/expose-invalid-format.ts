import { dockerPage, type Rule } from '../rule.ts'

export const exposeInvalidFormat: Rule = {
  name: 'ExposeInvalidFormat',
  description:
    'IP address and host-port mapping should not be used in EXPOSE instruction. This will become an error in a future release',
  url: dockerPage('expose-invalid-format'),
  *check({ steps }) {
    for (const { expanded } of steps) {
      if (expanded.kind !== 'expose') continue
      for (const port of expanded.ports) {
        if (!port.includes(':')) continue
        const why = 'should not define an IP address or host-port mapping'
        yield { range: expanded.range, detail: `EXPOSE instruction ${why}, found '${port}'` }
      }
    }
  },
}
