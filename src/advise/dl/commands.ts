import { commandRule, type LintRule } from '../lint/lint-rule.ts'
import type { LintStep } from '../lint/subject.ts'
import type { Edit } from '../rule.ts'
import { flagValue, hasFlag, positional } from '../shell/arguments.ts'

/** Programs that make no sense while an image is built. */
const SENSELESS: ReadonlySet<string> = new Set([
  ...[
    'free',
    'htop',
    'kill',
    'less',
    'mount',
    'ps',
    'service',
    'shutdown',
    'ssh',
    'systemctl',
    'top',
    'vi',
    'vim',
    'nano',
  ],
  ...['ifconfig', 'reboot'],
])

export const dl3001 = commandRule(
  {
    name: 'DL3001',
    severity: 'info',
    description: 'Leave out commands that mean nothing in a build: ssh, vim, service, ps …',
  },
  ({ name }) => (SENSELESS.has(name) ? `${name} does nothing that is of use while an image is built` : undefined),
)

export const dl3003 = commandRule(
  { name: 'DL3003', severity: 'warning', description: 'Change the directory with WORKDIR, not with cd.' },
  ({ name, wrapped }) => (name === 'cd' && !wrapped ? 'cd holds for this RUN only: use WORKDIR' : undefined),
)

export const dl3004 = commandRule(
  { name: 'DL3004', severity: 'error', description: 'Do without sudo: RUN has its user from USER.' },
  ({ name }) =>
    name === 'sudo' ? 'sudo has surprises without a terminal: set USER, or use gosu where a user changes' : undefined,
)

export const dl3046 = commandRule(
  { name: 'DL3046', severity: 'warning', description: 'Give useradd -l with a high user ID.' },
  command => {
    if (command.name !== 'useradd' || hasFlag(command, '-l', '--no-log-init')) return undefined
    const uid = flagValue(command, '-u', '--uid')
    if (uid === undefined || !/^\d{6,}$/.test(uid)) return undefined
    return `useradd writes a log file as large as the user ID ${uid}: add -l`
  },
)

/** `-q`, `-nv`, a log file, or dots in place of a bar. */
const QUIET = /^-(?:q|nv|o|a|b|[a-zA-Z]*q)|^--(?:quiet|no-verbose|progress|output-file|append-output|background)(?:=|$)/

export const dl3047 = commandRule(
  {
    name: 'DL3047',
    severity: 'info',
    description: 'Give wget --progress=dot:giga or -q, so that the log stays short.',
  },
  ({ name, args }) => {
    if (name !== 'wget' || args.length === 0 || args.some(({ value }) => QUIET.test(value))) return undefined
    return args.some(({ value }) => /^--(?:version|help)$/.test(value))
      ? undefined
      : 'wget draws its progress bar into the log of the build: add --progress=dot:giga'
  },
)

export const dl4005 = commandRule(
  { name: 'DL4005', severity: 'warning', description: 'Choose the shell with SHELL, not with a link to /bin/sh.' },
  ({ name, args }) => {
    return name === 'ln' && positional(args).at(-1)?.value === '/bin/sh'
      ? 'the link changes the shell of everybody: use SHELL'
      : undefined
  },
)

export const dl4001: LintRule = {
  name: 'DL4001',
  severity: 'warning',
  description: 'Use either wget or curl in a stage.',
  *check({ stages }) {
    for (const { steps } of stages) {
      const seen = new Set<string>()
      for (const step of steps) {
        const used = step.script?.commands.filter(({ name }) => name === 'wget' || name === 'curl') ?? []
        for (const { name } of used) seen.add(name)
        const last = used.at(-1)
        if (last === undefined || seen.size < 2) continue
        yield { range: step.rangeOf(last), detail: 'this stage needs both wget and curl: one of them is enough' }
      }
    }
  },
}

export const dl4006: LintRule = {
  name: 'DL4006',
  severity: 'warning',
  description: 'Set pipefail before a RUN with a pipe.',
  *check({ steps }) {
    for (const { shell, script, rangeOf, instruction } of steps) {
      const [pipe] = script?.pipes ?? []
      if (pipe === undefined || shell.pipefail || (instruction.kind === 'run' && instruction.form === 'exec')) continue
      const asked = script?.commands.some(({ name, args, start }) => {
        return name === 'set' && start <= pipe.start && args.some(({ value }) => value === 'pipefail')
      })
      if (asked) continue
      const detail = 'a command of the pipe may fail unnoticed: set SHELL ["/bin/bash", "-o", "pipefail", "-c"] before'
      yield { range: rangeOf(pipe), detail }
    }
  },
}

/** What a command of this kind changes holds for its RUN only. */
const LOCAL: ReadonlySet<string> = new Set([
  'cd',
  'export',
  'set',
  'shopt',
  'umask',
  'source',
  '.',
  'alias',
  'trap',
  'ulimit',
  'exec',
  'exit',
])

export const dl3059: LintRule = {
  name: 'DL3059',
  severity: 'info',
  description: 'Join consecutive RUN of one command each.',
  *check({ stages }) {
    for (const { steps } of stages) {
      let before: LintStep | undefined
      for (const step of steps) {
        const single = isSingle(step)
        if (single && before !== undefined && flagsOf(before) === flagsOf(step)) {
          const detail = 'this RUN and the one above can be one: one layer less'
          yield { range: step.outer.range, detail, fix: joined(before, step) }
        }
        before = single ? step : undefined
      }
    }
  },
}

function isSingle({ instruction, script, onbuild }: LintStep): boolean {
  return instruction.kind === 'run' && !onbuild && script?.topLevel === 1 && script.pipes.length === 0
}

function flagsOf({ instruction }: LintStep): string {
  return instruction.flags.map(({ name, value }) => `${name}=${value}`).join(' ')
}

/** Only where nothing stands between the two, and the first leaves nothing in the shell to the second. */
function joined(first: LintStep, second: LintStep): readonly Edit[] | undefined {
  const [one] = first.script?.commands ?? []
  const [other] = second.script?.commands ?? []
  const end = first.script?.appendAt
  const isOpen =
    end === undefined || second.script?.appendAt === undefined || one?.exact !== true || other?.exact !== true
  if (isOpen || one.name === '' || LOCAL.has(one.name) || first.instruction.flags.length > 0) return undefined
  if (first.outer.range.end.line + 1 !== second.outer.range.start.line) return undefined
  if (first.outer.raw.includes('#') || second.outer.doc !== undefined || first.script?.functions.size !== 0)
    return undefined
  const [from, to] = [first.rangeOf({ start: end, end }).start, second.rangeOf(other).start]
  return [{ range: { start: from, end: to }, text: ' \\\n    && ' }]
}
