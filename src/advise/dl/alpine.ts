import { insertFlag } from '../lint/edits.ts'
import { commandRule, isMounted, removes } from '../lint/lint-rule.ts'
import { hasFlag, subcommand } from '../shell/arguments.ts'
import type { ShellCommand, ShellWord } from '../shell/script.ts'
import { quoteList, unknownWord } from './words.ts'

const VALUED: ReadonlySet<string> = new Set([
  ...['-t', '--virtual', '-X', '--repository', '-p', '--root', '--wait', '--arch', '--cache-dir', '--keys-dir'],
  ...['--repositories-file', '--cache-max-age'],
])
const CACHE = '/var/cache/apk'

/** The packages that an `apk add` installs; undefined when it is no such command. */
export function apkAdd(command: ShellCommand): readonly ShellWord[] | undefined {
  if (command.name !== 'apk') return undefined
  const { verb, words } = subcommand(command, VALUED)
  return verb === 'add' ? words : undefined
}

export const dl3018 = commandRule(
  { name: 'DL3018', severity: 'warning', description: 'Name the version of packages that apk adds (package=version).' },
  (command, { variables }) => {
    const loose = (apkAdd(command) ?? []).filter(({ value }) => {
      const text = variables.expand(value)
      // `!name` keeps a package out.
      return !/[=~<>]|\.apk$|^!/.test(text) && !unknownWord(text)
    })
    return loose.length === 0
      ? undefined
      : `apk adds ${quoteList(loose)} in whatever version there is: write name=version`
  },
)

export const dl3019 = commandRule(
  {
    name: 'DL3019',
    severity: 'info',
    description: 'Give apk add --no-cache, so that its index stays out of the layer.',
  },
  (command, step) => {
    if (apkAdd(command) === undefined || hasFlag(command, '--no-cache') || isMounted(step, CACHE)) return undefined
    if (step.script?.commands.some(one => removes(one, CACHE))) return undefined
    const detail = 'apk add leaves its package index in the layer: add --no-cache'
    return { detail, fix: insertFlag(step, command, new Set(['add']), '--no-cache') }
  },
)
