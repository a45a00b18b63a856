import type { InstructionBase } from '../../dockerfile/instruction.ts'
import { dockerPage, type Rule, type Violation } from '../rule.ts'

export const invalidDefinitionDescription: Rule = {
  name: 'InvalidDefinitionDescription',
  description:
    'Comment for build stage or argument should follow the format: `# <arg/stage name> <description>`. If this is not intended to be a description comment, add an empty line or comment between the instruction and the comment.',
  url: dockerPage('invalid-definition-description'),
  experimental: true,
  *check({ dockerfile }) {
    for (const instruction of dockerfile.instructions) {
      if (instruction.kind === 'from') {
        const name = dockerfile.stages.find(({ from }) => from === instruction)?.originalName
        if (name !== undefined) yield* describes(instruction, 'FROM', [name], name)
      } else if (instruction.kind === 'arg') {
        const keys = instruction.args.map(({ key }) => key)
        yield* describes(instruction, 'ARG', keys, keys.length > 1 ? '<arg_key>' : (keys[0] ?? ''))
      }
    }
  },
}

/** The last comment line above is what would describe it. */
function describes(
  { doc, range }: InstructionBase,
  keyword: string,
  names: readonly string[],
  shown: string,
): readonly Violation[] {
  const comment = doc
    ?.split('\n')
    .filter(line => !/^check\s*=/i.test(line))
    .at(-1)
  const [first = ''] = comment?.split(' ') ?? []
  if (comment === undefined || names.includes(first)) return []
  return [{ range, detail: `Comment for ${keyword} should follow the format: \`# ${shown} <description>\`` }]
}
