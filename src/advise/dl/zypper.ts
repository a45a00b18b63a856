import { appendCommand, insertFlag } from '../lint/edits.ts'
import { commandRule, commandsAfter, isMounted, removes } from '../lint/lint-rule.ts'
import { hasFlag, subcommand } from '../shell/arguments.ts'
import type { ShellCommand, ShellWord } from '../shell/script.ts'
import { quoteList, unknownWord } from './words.ts'

const VALUED: ReadonlySet<string> = new Set([
  '-R',
  '--root',
  '-r',
  '--repo',
  '--from',
  '-t',
  '--type',
  '-p',
  '--plus-repo',
])
const CACHE = '/var/cache/zypp'
/** Verbs that fetch packages and install them. */
const CHANGES: ReadonlySet<string> = new Set([
  'install',
  'in',
  'remove',
  'rm',
  'source-install',
  'si',
  'patch',
  'update',
  'up',
])
const LEAPS: ReadonlySet<string> = new Set(['dist-upgrade', 'dup'])

function zypper(command: ShellCommand): { readonly verb: string; readonly words: readonly ShellWord[] } | undefined {
  return command.name === 'zypper' ? subcommand(command, VALUED) : undefined
}

function isInstall(command: ShellCommand): boolean {
  return /^(?:install|in)$/.test(zypper(command)?.verb ?? '')
}

export const dl3034 = commandRule(
  { name: 'DL3034', severity: 'warning', description: 'Give zypper -y or -n: nobody can answer its question.' },
  (command, step) => {
    if (!CHANGES.has(zypper(command)?.verb ?? '')) return undefined
    if (hasFlag(command, '-y', '--no-confirm', '-n', '--non-interactive')) return undefined
    const detail = 'zypper asks before it changes anything, and nobody answers: add -y'
    return { detail, fix: isInstall(command) ? insertFlag(step, command, new Set(['install', 'in']), '-y') : undefined }
  },
)

export const dl3035 = commandRule(
  { name: 'DL3035', severity: 'warning', description: 'Do not upgrade the whole distribution with zypper dup.' },
  command => {
    if (!LEAPS.has(zypper(command)?.verb ?? '')) return undefined
    return 'zypper dist-upgrade turns the base into another one at every build: take a newer base image'
  },
)

export const dl3036 = commandRule(
  { name: 'DL3036', severity: 'warning', description: 'Run zypper clean in the RUN that installs.' },
  (command, step) => {
    if (!isInstall(command) || isMounted(step, CACHE)) return undefined
    const cleaned = commandsAfter(step, command).some(one => {
      return removes(one, CACHE) || /^(?:clean|cc)$/.test(zypper(one)?.verb ?? '')
    })
    if (cleaned) return undefined
    const detail = 'zypper leaves its cache in the layer: add && zypper clean'
    return { detail, fix: appendCommand(step, command, 'zypper clean') }
  },
)

export const dl3037 = commandRule(
  {
    name: 'DL3037',
    severity: 'warning',
    description: 'Name the version of packages that zypper installs (package=version).',
  },
  (command, { variables }) => {
    const words = isInstall(command) ? (zypper(command)?.words ?? []) : []
    const loose = words.filter(({ value }) => {
      const text = variables.expand(value)
      return !/[=<>]|\.rpm$/.test(text) && !unknownWord(text)
    })
    return loose.length === 0
      ? undefined
      : `zypper installs ${quoteList(loose)} in whatever version there is: write name=version`
  },
)
