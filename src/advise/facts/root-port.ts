import type { FactRule } from '../lint/facts.ts'
import { unquoted } from '../lint/variables.ts'

export const sh1005: FactRule = {
  name: 'SH1005',
  severity: 'info',
  description: 'Listen on a port from 1024 on, as a user who is not root.',
  *check({ stages, final }) {
    const chain = [...final]
    const last = stages.at(-1)
    if (last === undefined) return
    const users = chain.flatMap(
      ({ steps }) => steps.findLast(({ instruction, onbuild }) => instruction.kind === 'user' && !onbuild) ?? [],
    )
    // Without USER it is what the base says, which is known of none but scratch.
    const [user] = users
    const name =
      user?.instruction.kind === 'user'
        ? user.variables.expand(unquoted(user.instruction.user)).split(':')[0]
        : undefined
    if (name !== 'root' && !/^0+$/.test(name ?? '') && !(name === undefined && chain.at(-1)?.from?.image === 'scratch'))
      return
    for (const { instruction, outer, variables } of last.steps) {
      if (instruction.kind !== 'expose') continue
      const ports = instruction.ports.map(port => variables.expand(unquoted(port)).split('/')[0] ?? '')
      const low = ports.find(port => /^\d+$/.test(port) && Number(port) < 1024 && Number(port) > 0)
      if (low === undefined) continue
      const detail = `the program runs as root to listen on ${low}: use a port such as ${8000 + Number(low)}, and a USER that is not root`
      yield { range: outer.range, detail }
    }
  },
}
