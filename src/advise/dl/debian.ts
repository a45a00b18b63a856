import { appendCommand, insertFlag, replaceWord } from '../lint/edits.ts'
import { commandRule, commandsAfter, isMounted, type LintRule, removes } from '../lint/lint-rule.ts'
import type { LintStep } from '../lint/subject.ts'
import { flagValue, hasFlag, subcommand } from '../shell/arguments.ts'
import type { ShellCommand, ShellWord } from '../shell/script.ts'
import { quoteList, unknownWord } from './words.ts'

const APT: ReadonlySet<string> = new Set(['apt-get', 'apt', 'aptitude'])
const VALUED: ReadonlySet<string> = new Set([
  '-t',
  '--target-release',
  '--default-release',
  '-o',
  '--option',
  '-c',
  '-a',
])
const INSTALL: ReadonlySet<string> = new Set(['install'])
const LISTS = '/var/lib/apt/lists'
const DEBS = '/var/cache/apt'
const DOCKER_CLEAN = /docker-clean$/

/** The packages that an apt command installs; undefined when it is no such command. */
export function aptInstall(command: ShellCommand): readonly ShellWord[] | undefined {
  if (!APT.has(command.name)) return undefined
  const { verb, words } = subcommand(command, VALUED)
  return verb === 'install' ? words : undefined
}

export function isAptUpdate(command: ShellCommand): boolean {
  return APT.has(command.name) && subcommand(command, VALUED).verb === 'update'
}

/** Whether a version (or an archive, a release, a file) is named. */
function isPinned(word: ShellWord, { variables }: LintStep): boolean {
  const text = variables.expand(word.value)
  return /[=/]|\.deb$/.test(text) || unknownWord(text)
}

export const dl3008 = commandRule(
  {
    name: 'DL3008',
    severity: 'warning',
    description: 'Name the version of packages that apt-get installs (package=version).',
  },
  (command, step) => {
    const loose = aptInstall(command)?.filter(word => !isPinned(word, step)) ?? []
    if (loose.length > 0)
      return `${command.name} installs ${quoteList(loose)} in whatever version there is: write name=version`
    return undefined
  },
)

export const dl3009: LintRule = {
  name: 'DL3009',
  severity: 'info',
  description: 'Remove the apt lists (/var/lib/apt/lists) in the RUN that fetched them.',
  *check({ stages, final }) {
    for (const stage of stages) {
      let keepsPackages = false
      for (const step of stage.steps) {
        // What ONBUILD triggers runs in the images that are made of this one.
        if (!final.has(stage) && !step.onbuild) continue
        const commands = step.script?.commands ?? []
        keepsPackages ||= commands.some(
          one => one.name === 'rm' && one.args.some(({ value }) => DOCKER_CLEAN.test(value)),
        )
        const update = commands.find(isAptUpdate)
        if (update === undefined || commandsAfter(step, update).some(one => removes(one, LISTS))) continue
        if (isMounted(step, LISTS) && (!keepsPackages || isMounted(step, DEBS))) continue
        const detail = `the lists that ${update.name} update fetches stay in the layer: add && rm -rf ${LISTS}/*`
        yield { range: step.rangeOf(update), detail, fix: appendCommand(step, update, `rm -rf ${LISTS}/*`) }
      }
    }
  },
}

/** `-y`, `-yq`, `--yes`, `-qq`, `-q=2`, `-q -q` */
function saysYes(command: ShellCommand): boolean {
  if (hasFlag(command, '-y', '--yes', '--assume-yes') || flagValue(command, '-q', '--quiet') === '2') return true
  const quiet = command.args.reduce((sum, { value }) => {
    if (value === '--quiet') return sum + 1
    return sum + (/^-[a-zA-Z]+$/.test(value) ? (value.match(/q/g)?.length ?? 0) : 0)
  }, 0)
  return quiet >= 2
}

export const dl3014 = commandRule(
  { name: 'DL3014', severity: 'warning', description: 'Give apt-get install -y: nobody can answer its question.' },
  (command, step) => {
    if (aptInstall(command) === undefined || saysYes(command)) return undefined
    const detail = `${command.name} install asks before it installs, and nobody answers: add -y`
    return { detail, fix: insertFlag(step, command, INSTALL, '-y') }
  },
)

export const dl3015 = commandRule(
  {
    name: 'DL3015',
    severity: 'info',
    description: 'Give apt-get install --no-install-recommends, so that only what is needed comes.',
  },
  (command, step) => {
    if (aptInstall(command) === undefined || hasFlag(command, '--no-install-recommends')) return undefined
    const off = command.args.some(({ value }) => /APT::Install-Recommends=["']?(?:false|0|no|off)\b/i.test(value))
    if (off) return undefined
    const detail = `${command.name} install brings recommended packages, too: add --no-install-recommends`
    return { detail, fix: insertFlag(step, command, INSTALL, '--no-install-recommends') }
  },
)

/** What apt and apt-get have in common. */
const COMMON: ReadonlySet<string> = new Set([
  ...['update', 'upgrade', 'install', 'remove', 'purge', 'autoremove', 'clean', 'autoclean', 'build-dep', 'download'],
])

export const dl3027 = commandRule(
  { name: 'DL3027', severity: 'warning', description: 'Use apt-get or apt-cache in scripts; apt is for people.' },
  (command, step) => {
    if (command.name !== 'apt') return undefined
    const detail = 'apt is for people and changes its behaviour between versions: use apt-get or apt-cache'
    const isCommon = COMMON.has(subcommand(command, VALUED).verb)
    return { detail, fix: isCommon ? replaceWord(step, command, command.word, 'apt-get') : undefined }
  },
)
