import { posix } from 'node:path'
import type { FactRule } from '../lint/facts.ts'
import type { LintStep } from '../lint/subject.ts'
import { isVariable, unquoted } from '../lint/variables.ts'
import { flagValue, positional } from '../shell/arguments.ts'

export const sh1004: FactRule = {
  name: 'SH1004',
  severity: 'warning',
  description: 'Delete files in the RUN that writes them.',
  *check({ stages }) {
    for (const { steps } of stages) {
      const written = new Map<string, number>()
      for (const step of steps) {
        const { outer, script } = step
        for (const command of script?.commands ?? []) {
          if (command.name !== 'rm') continue
          const path = positional(command.args)
            .map(({ value }) => value)
            .find(value => written.has(value))
          if (path === undefined) continue
          const detail = `${path} of line ${written.get(path)} stays in the image: a later layer only hides it`
          yield { range: step.rangeOf(command), detail }
        }
        for (const path of writtenBy(step)) written.set(path, outer.range.start.line)
      }
    }
  },
}

/** Absolute paths of files that a step writes, as far as it says so. */
function* writtenBy({ instruction, script, onbuild }: LintStep): Iterable<string> {
  if (onbuild) return
  if (instruction.kind === 'copy' || instruction.kind === 'add') {
    const target = unquoted(instruction.destination)
    if (isVariable(target) || !target.startsWith('/')) return
    // A folder as a source is not copied under its name, so only what looks like a file counts.
    const names = instruction.sources.map(unquoted).map(source => posix.basename(source))
    if (target.endsWith('/')) for (const name of names) yield target + name
    else yield target
  }
  const removed = new Set<string>()
  const paths: string[] = []
  for (const command of script?.commands ?? []) {
    const { name, args, outputs } = command
    if (name === 'rm') for (const { value } of args) removed.add(value)
    paths.push(...outputs)
    const output =
      name === 'curl'
        ? flagValue(command, '-o', '--output')
        : name === 'wget'
          ? flagValue(command, '-O', '--output-document')
          : undefined
    if (output !== undefined) paths.push(output)
  }
  for (const path of paths) if (path.startsWith('/') && !path.startsWith('/dev/') && !removed.has(path)) yield path
}
