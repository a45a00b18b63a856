import { posix } from 'node:path'
import type { FactRule } from '../lint/facts.ts'
import type { LintStage, LintStep } from '../lint/subject.ts'
import { unquoted } from '../lint/variables.ts'
import { BUILTINS } from '../shell/builtins.ts'
import type { ShellCommand } from '../shell/script.ts'
import { rootImage } from './root-image.ts'

/** Commands that bring no programs with them; after any other nothing is certain. */
const HARMLESS: ReadonlySet<string> = new Set([
  ...[
    'mkdir',
    'rm',
    'rmdir',
    'chmod',
    'chown',
    'cat',
    'sed',
    'grep',
    'awk',
    'ls',
    'touch',
    'id',
    'uname',
    'date',
    'sort',
  ],
  ...['head', 'tail', 'cut', 'tr', 'wc', 'useradd', 'groupadd', 'adduser', 'addgroup', 'sleep', 'env', 'find', 'which'],
])

/** A word that is a name of a program, and neither a path nor a variable. */
const NAME = /^[A-Za-z0-9_][\w.+-]*$/

export const sh1001: FactRule = {
  name: 'SH1001',
  severity: 'error',
  description: 'Run only commands that the base image has, or install them first.',
  *check({ stages, facts }) {
    for (const stage of stages) {
      const image = rootImage(stage)
      const base = image === undefined ? undefined : facts.base(image)
      if (base === undefined || (stage.parent !== undefined && bringsPrograms(stage.parent))) continue
      for (const step of stage.steps) {
        for (const command of missing(step, base.hasCommand)) {
          const detail = `${image} has no ${command.name} in any folder of its PATH, and nothing before this line brings one`
          yield { range: step.rangeOf(command), detail }
        }
        if (mayBring(step)) break
      }
    }
  },
}

function bringsPrograms(stage: LintStage): boolean {
  return stage.steps.some(mayBring) || (stage.parent !== undefined && bringsPrograms(stage.parent))
}

/** The commands of a RUN that are certainly not there: those after the first that may bring programs are left out. */
function* missing({ script, onbuild }: LintStep, has: (name: string) => boolean): Iterable<ShellCommand> {
  if (script === undefined || onbuild) return
  const asked = new Set(
    script.commands.filter(({ name }) => /^(?:which|type|command|hash)$/.test(name)).flatMap(wordsOf),
  )
  for (const command of script.commands) {
    const { name, word } = command
    if (
      !BUILTINS.has(name) &&
      NAME.test(word?.value ?? '') &&
      !script.functions.has(name) &&
      !asked.has(name) &&
      !has(name)
    ) {
      yield command
      return
    }
    if (!BUILTINS.has(name) && !HARMLESS.has(name)) return
  }
}

function wordsOf({ args }: ShellCommand): readonly string[] {
  return args.map(({ value }) => value)
}

/** Folders that are usually on the PATH. */
const PROGRAMS = /(?:^|\/)s?bin(?:\/|$)/

function mayBring({ instruction, script }: LintStep): boolean {
  switch (instruction.kind) {
    case 'run':
      return script === undefined || script.commands.some(({ name }) => !BUILTINS.has(name) && !HARMLESS.has(name))
    case 'copy':
    case 'add': {
      const target = posix.normalize(unquoted(instruction.destination))
      return instruction.kind === 'add' || instruction.from !== undefined || target === '/' || PROGRAMS.test(target)
    }
    case 'env':
      return instruction.pairs.some(({ key }) => key === 'PATH')
    case 'shell':
      return true
    default:
      return false
  }
}
