import type { ShellCommand, ShellWord } from './script.ts'

/** What a command starts in its turn. */
export type Inner =
  | { readonly kind: 'script'; readonly text: string }
  | { readonly kind: 'command'; readonly words: readonly ShellWord[]; readonly assigned: ReadonlyMap<string, string> }

/** Programs that start the command that follows their own options; those of the options that take a value. */
const WRAPPERS: Readonly<Record<string, { readonly values: RegExp; readonly skip?: number }>> = {
  sudo: { values: /^-(?:[A-Za-z]*[ugpChrtTU]|-(?:user|group|prompt|host|role|type|chdir))$/ },
  doas: { values: /^-[uC]$/ },
  env: { values: /^-(?:u|C|-unset|-chdir)$/ },
  exec: { values: /^-a$/ },
  command: { values: /^$/ },
  builtin: { values: /^$/ },
  time: { values: /^-[fo]$/ },
  nice: { values: /^-n$/ },
  nohup: { values: /^$/ },
  eatmydata: { values: /^$/ },
  setarch: { values: /^$/, skip: 1 },
  timeout: { values: /^-(?:k|s|-kill-after|-signal)$/, skip: 1 },
  xargs: { values: /^-[aEILnPsd]$/ },
  chroot: { values: /^$/, skip: 1 },
  gosu: { values: /^$/, skip: 1 },
  'su-exec': { values: /^$/, skip: 1 },
}
const SHELLS: ReadonlySet<string> = new Set(['sh', 'bash', 'ash', 'dash', 'zsh', 'ksh', 'su'])
/** A word whose text is only known when the script runs. */
const UNKNOWN = /[$`]/

/** The command or script inside another command's arguments; undefined when there is none. */
export function unwrapped({ name, args }: ShellCommand): Inner | undefined {
  if (SHELLS.has(name)) return scriptArgument(args)
  const wrapper = WRAPPERS[name]
  if (wrapper === undefined || (name === 'command' && args.some(({ value }) => /^-[vV]$/.test(value)))) return undefined
  const assigned = new Map<string, string>()
  let skip = wrapper.skip ?? 0
  for (let index = 0; index < args.length; index++) {
    const { value } = args[index]!
    const [, variable, given = ''] = /^([A-Za-z_]\w*)=(.*)$/s.exec(value) ?? []
    if (value.startsWith('-') && value !== '--') index += wrapper.values.test(value) ? 1 : 0
    else if (variable !== undefined) assigned.set(variable, given)
    else if (value !== '--' && skip-- <= 0) return { kind: 'command', words: args.slice(index), assigned }
  }
  return undefined
}

/** `sh -ec 'script'` */
function scriptArgument(args: readonly ShellWord[]): Inner | undefined {
  const flag = args.findIndex(({ value }) => /^-[a-z]*c$/.test(value))
  const script = flag === -1 ? undefined : args[flag + 1]
  if (script === undefined || (script.text === script.value && UNKNOWN.test(script.value))) return undefined
  return { kind: 'script', text: script.value }
}
