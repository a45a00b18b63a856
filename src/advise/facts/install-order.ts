import { posix } from 'node:path'
import { compileGlob, hasWildcards } from '../../dockerfile/glob.ts'
import type { ContextFacts, FactRule } from '../lint/facts.ts'
import type { LintStep } from '../lint/subject.ts'
import { contextSources } from './context-files.ts'
import { type Installer, installerOf } from './installers.ts'

export const sh1003: FactRule = {
  name: 'SH1003',
  severity: 'info',
  description: 'Install dependencies before the whole project is copied.',
  *check({ stages, facts: { context } }) {
    for (const { steps } of stages) {
      const copied = steps.findIndex(takesAll)
      if (copied === -1) continue
      const before = steps.slice(0, copied)
      for (const step of steps.slice(copied + 1)) {
        const found = installOf(step)
        if (found === undefined || hasCacheMount(step) || before.some(one => copiesOneOf(one, found.installer)))
          continue
        const line = steps[copied]!.outer.range.start.line
        yield { range: step.rangeOf(found.command), detail: detailOf(found.installer, line, context) }
        break
      }
    }
  },
}

function takesAll(step: LintStep): boolean {
  return [...contextSources(step)].some(({ path }) => path === '.')
}

function installOf({ script, onbuild }: LintStep) {
  for (const command of onbuild ? [] : (script?.commands ?? [])) {
    const installer = installerOf(command)
    if (installer !== undefined) return { command, installer }
  }
  return undefined
}

function hasCacheMount({ instruction }: LintStep): boolean {
  return instruction.kind === 'run' && instruction.mounts.some(({ text }) => text.includes('type=cache'))
}

function copiesOneOf(step: LintStep, { files }: Installer): boolean {
  return [...contextSources(step)].some(({ path }) => files.some(file => matches(file, path) || matches(path, file)))
}

function matches(pattern: string, path: string): boolean {
  const name = posix.basename(path)
  return hasWildcards(pattern) ? compileGlob(posix.basename(pattern))(name) : posix.basename(pattern) === name
}

function detailOf({ files, first }: Installer, line: number, context: ContextFacts | undefined): string {
  const there = context === undefined ? files : files.filter(file => hasWildcards(file) || context.has(file))
  const run = first === undefined ? 'this RUN' : `RUN ${first}`
  const names = (there.length === 0 ? files : there).join(' ')
  return `any change of the project installs everything again: put COPY ${names} ./ and ${run} above line ${line}`
}
