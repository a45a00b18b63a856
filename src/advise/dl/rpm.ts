import { appendCommand, insertFlag } from '../lint/edits.ts'
import { commandRule, commandsAfter, isMounted, type LintRule, removes } from '../lint/lint-rule.ts'
import type { LintStep } from '../lint/subject.ts'
import { hasFlag, positional } from '../shell/arguments.ts'
import type { ShellCommand, ShellWord } from '../shell/script.ts'
import { quoteList, unknownWord } from './words.ts'

const DNF: ReadonlySet<string> = new Set(['dnf', 'dnf5', 'microdnf'])
const YUM: ReadonlySet<string> = new Set(['yum'])
const VALUED: ReadonlySet<string> = new Set([
  ...['-c', '--config', '-d', '-e', '-x', '--exclude', '--enablerepo', '--disablerepo', '--installroot', '--repo'],
  ...['--repoid', '--releasever', '--setopt', '--comment', '--forcearch'],
])
const INSTALL: ReadonlySet<string> = new Set(['install', 'in'])
/** Verbs that fetch packages and lists. */
const FETCHES: ReadonlySet<string> = new Set([
  ...['install', 'in', 'reinstall', 'rei', 'upgrade', 'up', 'update', 'upgrade-minimal', 'up-min', 'downgrade', 'dg'],
  ...['distro-sync', 'dsync', 'dist-sync', 'groupinstall', 'localinstall', 'builddep', 'swap'],
])
const CACHES = ['/var/cache/yum', '/var/cache/dnf', '/var/cache/libdnf5']

interface RpmCommand {
  /** The verb; of `module install` and `group install` the second. */
  readonly verb: string
  readonly of: 'packages' | 'modules' | 'groups'
  readonly words: readonly ShellWord[]
}

function rpmCommand(command: ShellCommand, tools: ReadonlySet<string>): RpmCommand | undefined {
  if (!tools.has(command.name)) return undefined
  const [first, second, ...rest] = positional(command.args, VALUED)
  const verb = first?.value ?? ''
  const of = verb === 'module' ? 'modules' : /^(?:group|grp|environment)s?$/.test(verb) ? 'groups' : 'packages'
  if (of !== 'packages') return { verb: second?.value ?? '', of, words: rest }
  return { verb, of, words: second === undefined ? [] : [second, ...rest] }
}

function isInstall(command: ShellCommand, tools: ReadonlySet<string>): boolean {
  return INSTALL.has(rpmCommand(command, tools)?.verb ?? '')
}

/** Packages as `name-1.2`, `name-1:1.2`, files; modules as `name:stream`. */
function looseWords(command: ShellCommand, { variables }: LintStep, tools: ReadonlySet<string>): readonly ShellWord[] {
  const rpm = rpmCommand(command, tools)
  if (rpm === undefined || !INSTALL.has(rpm.verb) || rpm.of === 'groups') return []
  return rpm.words.filter(({ value }) => {
    const text = variables.expand(value)
    if (unknownWord(text) || /^@/.test(text)) return false
    return rpm.of === 'modules' ? !text.includes(':') : !/-[0-9]|\.rpm$|[=<>]/.test(text)
  })
}

function versionRule(name: string, tools: ReadonlySet<string>, tool: string): LintRule {
  return commandRule(
    { name, severity: 'warning', description: `Name the version of packages that ${tool} installs (package-version).` },
    (command, step) => {
      const loose = looseWords(command, step, tools)
      if (loose.length === 0) return undefined
      return `${command.name} installs ${quoteList(loose)} in whatever version there is: write name-version`
    },
  )
}

function yesRule(name: string, tools: ReadonlySet<string>, tool: string): LintRule {
  return commandRule(
    { name, severity: 'warning', description: `Give ${tool} install -y: nobody can answer its question.` },
    (command, step) => {
      if (!isInstall(command, tools) || hasFlag(command, '-y', '--assumeyes')) return undefined
      const detail = `${command.name} install asks before it installs, and nobody answers: add -y`
      return { detail, fix: insertFlag(step, command, INSTALL, '-y') }
    },
  )
}

function cleanRule(name: string, tools: ReadonlySet<string>, tool: string): LintRule {
  return commandRule(
    { name, severity: 'warning', description: `Run ${tool} clean all in the RUN that uses ${tool}.` },
    (command, step) => {
      const rpm = rpmCommand(command, tools)
      if (rpm === undefined || !FETCHES.has(rpm.verb) || CACHES.some(path => isMounted(step, path))) return undefined
      const cleaned = commandsAfter(step, command).some(one => {
        if (CACHES.some(path => removes(one, path))) return true
        return one.name === command.name && positional(one.args)[0]?.value === 'clean'
      })
      if (cleaned) return undefined
      const clean = `${command.name} clean all`
      return {
        detail: `${command.name} leaves its cache in the layer: add && ${clean}`,
        fix: appendCommand(step, command, clean),
      }
    },
  )
}

export const dl3030 = yesRule('DL3030', YUM, 'yum')
export const dl3032 = cleanRule('DL3032', YUM, 'yum')
export const dl3033 = versionRule('DL3033', YUM, 'yum')
export const dl3038 = yesRule('DL3038', DNF, 'dnf')
export const dl3040 = cleanRule('DL3040', DNF, 'dnf')
export const dl3041 = versionRule('DL3041', DNF, 'dnf')
