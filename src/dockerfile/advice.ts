import type { Instruction } from './instruction.ts'
import type { DockerfileWarning } from './nodes.ts'

/** A shell command that begins as a JSON array would; `[ "$a" = b ]` and `[[ … ]]` do not. */
const LIKE_JSON = /^\[(?:["'“‘]|\s+["'“‘].*["'”’]\s*,|[^\s[\]]+\s*,)/su

/** What is allowed and yet hardly meant. */
export function adviceOn(instructions: readonly Instruction[]): readonly DockerfileWarning[] {
  return instructions.flatMap(instruction => {
    const problem = problemOf(instruction)
    return problem === undefined ? [] : [{ kind: 'advice' as const, ...problem, range: instruction.range }]
  })
}

function problemOf(instruction: Instruction): Pick<DockerfileWarning, 'message' | 'hint'> | undefined {
  switch (instruction.kind) {
    case 'run':
    case 'cmd':
    case 'entrypoint':
      if (instruction.form === 'exec' || !LIKE_JSON.test(instruction.command)) return undefined
      return {
        message: `${instruction.kind.toUpperCase()} looks like a JSON array and is none, so it is a command of the shell: ${instruction.command}`,
        hint: 'JSON has double quotes and no comma after the last element',
      }
    default:
      return undefined
  }
}
