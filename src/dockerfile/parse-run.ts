import { type FlagValue, valueWord } from './flags.ts'
import type { Device, RunInstruction } from './instruction.ts'
import { mountSpec, readDevice } from './mount-spec.ts'
import { nearest } from './nearest.ts'
import { baseOf, commandLine, failAt, type Request, readFlags } from './request.ts'

const FLAGS = { mount: 'strings', network: 'string', security: 'string', device: 'strings' } as const
const NETWORKS = ['default', 'none', 'host'] as const
const SECURITIES = ['sandbox', 'insecure'] as const

export function parseRun(request: Request): RunInstruction {
  const flags = readFlags(request, FLAGS)
  return {
    kind: 'run',
    ...baseOf(request, flags),
    ...commandLine(request),
    heredocs: request.heredocs,
    mounts: flags.strings('mount').map(flag => mountSpec(flag, request.node.line)),
    network: oneOf(request, flags.find('network'), NETWORKS, value => `invalid network mode "${value}"`),
    security: oneOf(request, flags.find('security'), SECURITIES, value => `security "${value}" is not valid`),
    devices: flags.strings('device').map((flag): Device => readDevice(flag, request.node.line)),
  }
}

function oneOf<T extends string>(
  request: Request,
  flag: FlagValue | undefined,
  allowed: readonly T[],
  problem: (value: string) => string,
): T | undefined {
  if (flag === undefined) return undefined
  const value = flag.value ?? ''
  const found = allowed.find(choice => choice === value)
  if (found !== undefined) return found
  const meant = nearest(value, allowed)
  const hint = meant === undefined ? `one of ${allowed.join(', ')}` : `did you mean ${meant}?`
  return failAt(request, valueWord(flag), problem(value), hint)
}
