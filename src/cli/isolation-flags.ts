import type { Isolation } from '../sandbox/isolation.ts'
import { boolean, type FlagValues, list, text } from './flag.ts'
import { processLimitsOf, resourceFlags, resourcesOf } from './resource-flags.ts'

export const runtimeFlag = text('Program that makes containers: builtin (default), runc or crun', {
  choices: ['builtin', 'runc', 'crun'],
})

/** docker's flags for what a container may do, see and use. */
export const isolationFlags = {
  ...resourceFlags,
  capAdd: list('Capability to add, with or without CAP_; ALL', { placeholder: 'name' }),
  capDrop: list('Capability to take away; ALL', { placeholder: 'name' }),
  cgroupns: text('Cgroup namespace: private (default) or host', { choices: ['private', 'host'] }),
  device: list('Device of this machine', { placeholder: 'source[:target[:rwm]]' }),
  groupAdd: list('Further group of the user', { placeholder: 'group' }),
  ipc: text('IPC: private (default), none or host', { choices: ['private', 'shareable', 'none', 'host'] }),
  oomScoreAdj: text('How soon the kernel ends it when memory runs out: -1000 to 1000', { placeholder: 'number' }),
  pid: text('PID namespace: private (default)', { placeholder: 'mode' }),
  privileged: boolean('All capabilities, all devices, nothing masked, no seccomp filter'),
  runtime: runtimeFlag,
  securityOpt: list('Security option: seccomp=unconfined, seccomp=FILE, no-new-privileges, systempaths=unconfined', {
    placeholder: 'option',
  }),
  sysctl: list('Setting of the container’s namespaces', { placeholder: 'name=value' }),
  userns: text('User namespace: auto or host', { placeholder: 'mode' }),
}

/** `undefined` is the built-in one. */
export function runtimeOf(name: string | undefined): Pick<Isolation, 'runtime'> {
  return name === undefined ? {} : { runtime: name as NonNullable<Isolation['runtime']> }
}

type IsolationFlags = Partial<FlagValues<typeof isolationFlags>>

/** What the flags amount to. Throws the error of the flag that is at fault. */
export async function isolationOf(flags: IsolationFlags, hostNetwork: boolean): Promise<Isolation> {
  const { securityOpt = [] } = flags
  const security =
    securityOpt.length === 0 ? {} : await (await import('../sandbox/security-options.ts')).securityOptions(securityOpt)
  return { ...(await whatItMay(flags, hostNetwork)), ...security }
}

async function whatItMay(flags: IsolationFlags, hostNetwork: boolean): Promise<Isolation> {
  const values = await import('./isolation-values.ts')
  const { namespaceModes } = await import('./namespace-modes.ts')
  const { capAdd = [], capDrop = [], device = [], sysctl = [] } = flags
  const capabilities = values.capabilities(capAdd, capDrop)
  const modes = namespaceModes(flags)
  const sysctls = values.sysctls(sysctl, { network: hostNetwork, ipc: modes.ipc === 'host' })
  const score = flags.oomScoreAdj === undefined ? undefined : oomScore(flags.oomScoreAdj, values.whole)
  const resources = resourcesOf(flags)
  return {
    ...modes,
    ...processLimitsOf(flags),
    ...runtimeOf(flags.runtime),
    ...(flags.privileged === true && { privileged: true }),
    ...(capabilities !== undefined && { capabilities }),
    ...(device.length > 0 && { devices: device.map(values.device) }),
    ...(sysctls !== undefined && { sysctls }),
    ...(score !== undefined && { oomScoreAdj: score }),
    ...(Object.keys(resources).length > 0 && { resources }),
  }
}

function oomScore(word: string, whole: typeof import('./isolation-values.ts')['whole']): number {
  const why = `Invalid value ${word}, range for oom score adj is [-1000, 1000]`
  return whole('oom-score-adj', word, { min: -1000, max: 1000, why })
}
