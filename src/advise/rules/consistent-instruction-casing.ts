import { dockerPage, type Rule } from '../rule.ts'

export const consistentInstructionCasing: Rule = {
  name: 'ConsistentInstructionCasing',
  description: 'All commands within the Dockerfile should use the same casing (either upper or lower)',
  url: dockerPage('consistent-instruction-casing'),
  *check({ dockerfile }) {
    const instructions = dockerfile.stages.flatMap(({ from, instructions }) => [from, ...instructions])
    const lower = instructions.filter(({ keyword }) => keyword === keyword.toLowerCase()).length
    const upper = instructions.filter(({ keyword }) => keyword === keyword.toUpperCase()).length
    const majority = lower > upper ? 'lowercase' : 'uppercase'
    for (const { keyword, range } of instructions) {
      const wanted = majority === 'lowercase' ? keyword.toLowerCase() : keyword.toUpperCase()
      if (keyword === wanted) continue
      yield { range, detail: `Command '${keyword}' should match the case of the command majority (${majority})` }
    }
  },
}
