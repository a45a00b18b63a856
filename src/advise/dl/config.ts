import type { CmdInstruction, EntrypointInstruction, HealthcheckInstruction } from '../../dockerfile/instruction.ts'
import { instructionRule, type LintRule } from '../lint/lint-rule.ts'
import type { LintStage, LintStep } from '../lint/subject.ts'
import { isVariable, unquoted } from '../lint/variables.ts'
import { BUILTINS } from '../shell/builtins.ts'
import { parseScript } from '../shell/script.ts'

export const dl3000 = instructionRule(
  {
    name: 'DL3000',
    severity: 'error',
    description: 'Write an absolute path into WORKDIR.',
    twin: 'WorkdirRelativePath',
  },
  ['workdir'],
  ({ path }) => {
    const plain = unquoted(path)
    if (/^(?:[\\/]|[A-Za-z]:[\\/])/.test(plain) || isVariable(plain)) return undefined
    return `WORKDIR ${plain} depends on the WORKDIR before it: write the whole path`
  },
)

export const dl3002: LintRule = {
  name: 'DL3002',
  severity: 'warning',
  description: 'Let the last USER be another than root.',
  *check({ stages }) {
    for (const { steps } of stages) {
      const last = steps.findLast(({ instruction, onbuild }) => instruction.kind === 'user' && !onbuild)
      if (last?.instruction.kind !== 'user') continue
      const [user = ''] = last.variables.expand(unquoted(last.instruction.user)).split(':')
      if (user !== 'root' && !/^0+$/.test(user)) continue
      yield { range: last.outer.range, detail: 'containers of this image run as root: end with a USER that is not' }
    }
  },
}

export const dl3011 = instructionRule(
  { name: 'DL3011', severity: 'error', description: 'Expose ports from 0 to 65535.' },
  ['expose'],
  ({ ports }, { variables }) => {
    const numbers = ports
      .flatMap(port => variables.expand(unquoted(port)).split(/[/:-]/))
      .filter(part => /^\d+$/.test(part))
    const wrong = numbers.find(number => Number(number) > 65_535)
    return wrong === undefined ? undefined : `${wrong} is no port: the last one is 65535`
  },
)

/** All but the last of what counts once: the last is what holds. */
function* earlier(steps: readonly LintStep[], kind: string): Iterable<LintStep> {
  const found = steps.filter(({ instruction, onbuild }) => instruction.kind === kind && !onbuild)
  yield* found.slice(0, -1)
}

function onceRule(name: string, severity: 'error' | 'warning', kind: 'cmd' | 'entrypoint' | 'healthcheck'): LintRule {
  const keyword = kind.toUpperCase()
  return {
    name,
    severity,
    description: `Write ${keyword} once in a stage: only the last one holds.`,
    twin: 'MultipleInstructionsDisallowed',
    *check({ stages }) {
      for (const { steps } of stages) {
        for (const { outer } of earlier(steps, kind)) {
          yield { range: outer.range, detail: `this ${keyword} counts for nothing: another one follows in the stage` }
        }
      }
    },
  }
}

export const dl3012 = onceRule('DL3012', 'error', 'healthcheck')
export const dl4003 = onceRule('DL4003', 'warning', 'cmd')
export const dl4004 = onceRule('DL4004', 'error', 'entrypoint')

export const dl3025 = instructionRule(
  {
    name: 'DL3025',
    severity: 'warning',
    description: 'Write CMD and ENTRYPOINT as JSON arrays.',
    twin: 'JSONArgsRecommended',
  },
  ['cmd', 'entrypoint', 'healthcheck'],
  (instruction, step) => {
    if (instruction.kind === 'healthcheck' && instruction.none) return undefined
    if (instruction.form !== 'shell') return undefined
    const keyword = instruction.kind === 'healthcheck' ? 'HEALTHCHECK CMD' : instruction.kind.toUpperCase()
    const detail = `${keyword} runs in a shell, which keeps signals to itself: write ["program", "argument"]`
    return { detail, fix: jsonForm(instruction, step) }
  },
)

/** Options of the shell, and what it would make of a word. */
const SPECIAL = /[$`*?[\]{}~#\\]/

/** One plain command as a JSON array; undefined when a shell makes more of it. */
function jsonForm(instruction: CmdInstruction | EntrypointInstruction | HealthcheckInstruction, step: LintStep) {
  // Who has chosen a SHELL means it.
  if (instruction.kind === 'healthcheck' || step.onbuild || step.shell.name !== 'sh') return undefined
  const { commands, topLevel, pipes } = parseScript(instruction.command)
  const own = commands.filter(({ wrapped }) => !wrapped)
  const [command] = own
  if (command?.word === undefined || own.length !== 1 || topLevel !== 1 || pipes.length > 0) return undefined
  const words = [command.word, ...command.args]
  const isPlain = command.word.text === instruction.command.trim().slice(0, command.word.text.length)
  if (!isPlain || command.outputs.length > 0 || words.some(({ text }) => SPECIAL.test(text))) return undefined
  // A redirect or a sign for the background is not among the words.
  if (/[<>&|;()!=\n]/.test(instruction.command)) return undefined
  const [first, ...rest] = words.map(({ value }) => value)
  const argv = first === 'exec' ? rest : [first ?? '', ...rest]
  if (argv.length === 0 || BUILTINS.has(argv[0] ?? '')) return undefined
  const text = `[${argv.map(one => JSON.stringify(one)).join(', ')}]`
  return [{ range: { start: step.outer.keywordRange.end, end: step.outer.range.end }, text: ` ${text}` }]
}

export const dl3044 = instructionRule(
  { name: 'DL3044', severity: 'error', description: 'Do not use a variable in the ENV that sets it.' },
  ['env'],
  ({ pairs }) => {
    for (const [index, { key, value }] of pairs.entries()) {
      const used = [...value.matchAll(/\\.|\$\{?([A-Za-z_]\w*)/g)].flatMap(([, name]) => name ?? [])
      const name = used.find(one => pairs.some((other, place) => place !== index && other.key === one))
      if (name !== undefined) return `${key} gets the value that ${name} had before this ENV: use two`
    }
    return undefined
  },
)

export const dl3066 = instructionRule(
  { name: 'DL3066', severity: 'info', description: 'Write USER as a number, which needs no look-up in the image.' },
  ['user'],
  ({ user }) => {
    const [name = ''] = unquoted(user).split(':')
    if (/^\d+$/.test(name) || name === 'root' || isVariable(name)) return undefined
    return `who runs the image cannot tell whether ${name} is root: write its number`
  },
)

export const dl4000 = instructionRule(
  {
    name: 'DL4000',
    severity: 'error',
    description: 'Use a label in place of MAINTAINER.',
    twin: 'MaintainerDeprecated',
  },
  ['maintainer'],
  ({ name }, { outer, onbuild }) => {
    const label = `LABEL org.opencontainers.image.authors=${JSON.stringify(unquoted(name))}`
    const fix = onbuild || /[\\$"]/.test(unquoted(name)) ? undefined : [{ range: outer.range, text: label }]
    return { detail: 'MAINTAINER is deprecated: write LABEL org.opencontainers.image.authors="…"', fix }
  },
)

export const dl3057: LintRule = {
  name: 'DL3057',
  severity: 'ignore',
  description: 'Say with HEALTHCHECK how to find out whether the container works, or NONE.',
  *check({ stages }) {
    const has = new Set<LintStage>()
    for (const stage of stages) {
      const own = stage.steps.some(({ instruction, onbuild }) => instruction.kind === 'healthcheck' && !onbuild)
      if (own || (stage.parent !== undefined && has.has(stage.parent))) has.add(stage)
    }
    for (const stage of stages) {
      if (stage.from === undefined || has.has(stage) || hasHeir(stages, stage, has)) continue
      yield { range: stage.from.range, detail: 'nothing tells whether its containers work: add HEALTHCHECK' }
    }
  },
}

/** Whether a stage that is based on this one is in the set. */
export function hasHeir(stages: readonly LintStage[], stage: LintStage, set: ReadonlySet<LintStage>): boolean {
  return stages.some(heir => {
    for (let above = heir.parent; above !== undefined; above = above.parent) if (above === stage) return set.has(heir)
    return false
  })
}

const SECRET = /(?:^|_)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)/i
const HARMLESS = /(?:^|_)public(?:_|$)|_(?:file|version)$/i

export const dl3064: LintRule = {
  name: 'DL3064',
  severity: 'warning',
  description: 'Keep secrets out of ARG and ENV.',
  twin: 'SecretsUsedInArgOrEnv',
  *check({ steps }) {
    for (const { instruction, outer } of steps) {
      const names = instruction.kind === 'arg' ? instruction.args : instruction.kind === 'env' ? instruction.pairs : []
      for (const { key } of names) {
        if (!SECRET.test(key) || HARMLESS.test(key)) continue
        const keyword = instruction.kind.toUpperCase()
        yield {
          range: outer.range,
          detail: `${keyword} ${key} stays in the image for all to read: use RUN --mount=type=secret`,
        }
      }
    }
  },
}

export const dl3043: LintRule = {
  name: 'DL3043',
  severity: 'error',
  description: 'Let ONBUILD trigger no ONBUILD, FROM or MAINTAINER.',
  *check({ broken }) {
    for (const { keyword, triggerKeyword, error } of broken) {
      if (keyword !== 'ONBUILD' || !/^(?:ONBUILD|FROM|MAINTAINER)$/.test(triggerKeyword ?? '')) continue
      if (error.source !== undefined)
        yield { range: error.source.range, detail: `ONBUILD cannot trigger ${triggerKeyword}` }
    }
  },
}
