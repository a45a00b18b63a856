import { parseDuration } from './duration.ts'
import { type Flags, valueWord } from './flags.ts'
import type * as I from './instruction.ts'
import {
  baseOf,
  commandLine,
  describe,
  failAt,
  onlyArgument,
  type Request,
  rangeOf,
  readFlags,
  someArguments,
} from './request.ts'
import { trim } from './space.ts'

const STAGE_NAME = /^[a-z][a-z0-9\-_.]*$/

export function parseFrom(request: Request): I.FromInstruction {
  const [image, as, name] = request.node.args
  const stageName = name?.text.toLowerCase()
  if (image === undefined || (as !== undefined && !isNamed(request))) {
    const hint = as?.text.toLowerCase() === 'as' || as === undefined ? undefined : 'write FROM <image> AS <name>'
    failAt(request, as ?? image, 'FROM requires either one or three arguments', hint)
  }
  if (name !== undefined && !STAGE_NAME.test(stageName ?? '')) {
    const problem = "name can't start with a number or contain symbols"
    failAt(request, name, `invalid name for build stage: "${name.text}", ${problem}`)
  }
  const flags = readFlags(request, { platform: 'string' })
  const imageRange = rangeOf(request, image)
  const platform = flags.string('platform') || undefined
  const names = { stageName, asKeyword: as?.text }
  return { kind: 'from', ...baseOf(request, flags), image: image.text, imageRange, platform, ...names }
}

function isNamed({ node }: Request): boolean {
  return node.args.length === 3 && node.args[1]!.text.toLowerCase() === 'as'
}

function pairsOf(request: Request): { pairs: readonly I.Pair[]; legacy: boolean; flags: Flags } {
  const flags = readFlags(request)
  const words = someArguments(request)
  const pairs: I.Pair[] = []
  for (let index = 0; index + 2 < words.length; index += 3) {
    const key = words[index]!
    const value = words[index + 1]!
    const whole = { text: '', start: key.start, end: value.end }
    if (key.text === '') failAt(request, whole, `${request.name} names can not be blank`)
    pairs.push({ key: key.text, value: value.text, range: rangeOf(request, whole) })
  }
  return { pairs, legacy: words[2]?.text === '', flags }
}

export function parseEnv(request: Request): I.EnvInstruction {
  const { flags, ...rest } = pairsOf(request)
  return { kind: 'env', ...baseOf(request, flags), ...rest }
}

export function parseLabel(request: Request): I.LabelInstruction {
  const { flags, ...rest } = pairsOf(request)
  return { kind: 'label', ...baseOf(request, flags), ...rest }
}

export function parseArg(request: Request): I.ArgInstruction {
  const words = someArguments(request)
  const flags = readFlags(request)
  const args = words.map(word => {
    const equals = word.text.indexOf('=')
    const key = equals === -1 ? word.text : word.text.slice(0, equals)
    if (key === '') failAt(request, word, 'ARG names can not be blank')
    const value = equals === -1 ? undefined : word.text.slice(equals + 1)
    return { key, value, doc: describe(request.comments, key), range: rangeOf(request, word) }
  })
  return { kind: 'arg', ...baseOf(request, flags), args }
}

export function parseWorkdir(request: Request): I.WorkdirInstruction {
  const path = onlyArgument(request)
  return { kind: 'workdir', ...baseOf(request, readFlags(request)), path }
}

export function parseUser(request: Request): I.UserInstruction {
  const user = onlyArgument(request)
  return { kind: 'user', ...baseOf(request, readFlags(request)), user }
}

export function parseMaintainer(request: Request): I.MaintainerInstruction {
  const name = onlyArgument(request)
  return { kind: 'maintainer', ...baseOf(request, readFlags(request)), name }
}

export function parseStopsignal(request: Request): I.StopsignalInstruction {
  const signal = onlyArgument(request)
  return { kind: 'stopsignal', ...baseOf(request, readFlags(request)), signal }
}

export function parseExpose(request: Request): I.ExposeInstruction {
  const ports = someArguments(request).map(({ text }) => text)
  return { kind: 'expose', ...baseOf(request, readFlags(request)), ports }
}

export function parseVolume(request: Request): I.VolumeInstruction {
  const words = someArguments(request)
  const base = baseOf(request, readFlags(request))
  const paths = words.map(word => {
    const path = trim(word.text)
    return path === '' ? failAt(request, word, 'VOLUME specified can not be an empty string') : path
  })
  return { kind: 'volume', ...base, form: request.node.json ? 'exec' : 'words', paths }
}

export function parseShell(request: Request): I.ShellInstruction {
  const flags = readFlags(request)
  const words = someArguments(request)
  if (!request.node.json) {
    const hint = 'write for example SHELL ["/bin/bash", "-c"]'
    failAt(request, words[0], 'SHELL requires the arguments to be in JSON form', hint)
  }
  return { kind: 'shell', ...baseOf(request, flags), args: words.map(({ text }) => text) }
}

export function parseCmd(request: Request): I.CmdInstruction {
  return { kind: 'cmd', ...baseOf(request, readFlags(request)), ...commandLine(request) }
}

export function parseEntrypoint(request: Request): I.EntrypointInstruction {
  return { kind: 'entrypoint', ...baseOf(request, readFlags(request)), ...commandLine(request) }
}

const HEALTH_FLAGS = {
  interval: 'string',
  timeout: 'string',
  'start-period': 'string',
  'start-interval': 'string',
  retries: 'string',
} as const

export function parseHealthcheck(request: Request): I.HealthcheckInstruction {
  const [type, ...words] = someArguments(request)
  const flags = readFlags(request, HEALTH_FLAGS)
  const base = baseOf(request, flags)
  const kind = type!.text.toUpperCase()
  if (kind === 'NONE') {
    if (words.length > 0) failAt(request, words[0], 'HEALTHCHECK NONE takes no arguments')
    return { kind: 'healthcheck', ...base, none: true }
  }
  if (kind !== 'CMD') failAt(request, type, `Unknown type "${kind}" in HEALTHCHECK (try CMD)`)
  if (words.length === 0) failAt(request, type, 'Missing command after HEALTHCHECK CMD')
  return {
    kind: 'healthcheck',
    ...base,
    none: false,
    ...commandLine(request, words),
    interval: interval(request, flags, 'interval'),
    timeout: interval(request, flags, 'timeout'),
    startPeriod: interval(request, flags, 'start-period'),
    startInterval: interval(request, flags, 'start-interval'),
    retries: retries(request, flags),
  }
}

const LEAST_INTERVAL = 1_000_000

function interval(request: Request, flags: Flags, name: string): number | undefined {
  const flag = flags.find(name)
  if (flag === undefined || !flag.value) return undefined
  const nanoseconds = parseDuration(flag.value)
  if (nanoseconds === undefined) {
    failAt(request, valueWord(flag), `invalid duration "${flag.value}" for --${name}`, 'write for example 30s or 1m30s')
  }
  if (nanoseconds !== 0 && nanoseconds < LEAST_INTERVAL) {
    failAt(request, valueWord(flag), `Interval "${name}" cannot be less than 1ms`)
  }
  return nanoseconds
}

function retries(request: Request, flags: Flags): number | undefined {
  const flag = flags.find('retries')
  if (flag === undefined || !flag.value) return undefined
  const count = /^[+-]?\d+$/.test(flag.value) ? Number(flag.value) : Number.NaN
  if (count < 0) failAt(request, valueWord(flag), `--retries cannot be negative (${count})`)
  if (!(count <= 0x7fff_ffff)) failAt(request, valueWord(flag), `invalid number "${flag.value}" for --retries`)
  return count
}
