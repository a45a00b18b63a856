import { insertFlag } from '../lint/edits.ts'
import { commandRule, isMounted } from '../lint/lint-rule.ts'
import type { LintStep } from '../lint/subject.ts'
import { hasFlag, positional } from '../shell/arguments.ts'
import type { ShellCommand, ShellWord } from '../shell/script.ts'
import { quoteList, unknownWord } from './words.ts'

const VALUED: ReadonlySet<string> = new Set([
  ...[
    '-r',
    '--requirement',
    '-c',
    '--constraint',
    '-e',
    '--editable',
    '-t',
    '--target',
    '--platform',
    '--python-version',
  ],
  ...[
    '--implementation',
    '--abi',
    '--root',
    '--prefix',
    '--src',
    '-b',
    '--build',
    '-i',
    '--index-url',
    '-f',
    '--find-links',
  ],
  ...[
    '--extra-index-url',
    '--no-binary',
    '--only-binary',
    '--progress-bar',
    '--root-user-action',
    '--report',
    '--python',
  ],
  ...[
    '--upgrade-strategy',
    '-C',
    '--config-settings',
    '--global-option',
    '--install-option',
    '--hash',
    '--log',
    '--proxy',
  ],
  ...[
    '--retries',
    '--timeout',
    '--exists-action',
    '--trusted-host',
    '--cert',
    '--client-cert',
    '--cache-dir',
    '--use-feature',
  ],
  ...['--use-deprecated', '--group', '--dry-run-report', '--spec', '--pip-args', '--suffix', '--preinstall'],
])
const PIP = /^pip(?:\d+(?:\.\d+)?)?$/
const PYTHON = /^(?:python|pypy)(?:\d+(?:\.\d+)?)?$/

/** What follows `pip install`, in whatever way pip is started; undefined when it is no such command. */
export function pipInstall({ name, args }: ShellCommand): readonly ShellWord[] | undefined {
  let rest = args
  if (PYTHON.test(name)) {
    const module = args.findIndex(({ value }) => value === '-m')
    if (module === -1 || args[module + 1]?.value !== 'pip') return undefined
    rest = args.slice(module + 2)
  } else if (!PIP.test(name)) return undefined
  const verb = rest.findIndex(({ value }) => !value.startsWith('-'))
  return rest[verb]?.value === 'install' ? [...rest.slice(0, verb), ...rest.slice(verb + 1)] : undefined
}

/** A version, a file, a folder, an address; of a git address the part after `@`. */
function isPinned(text: string): boolean {
  if (/^(?:git|hg|svn|bzr)\+/.test(text))
    return /@[^/@]+$/.test(text.replace(/#.*$/, '').replace(/^[^:]+:\/\/[^/]*/, ''))
  return /[<>=~!]=?|^\.|\/|\.(?:whl|zip|tar|tgz|tar\.\w+)$|\s@\s/.test(text) || unknownWord(text)
}

function looseWords(words: readonly ShellWord[], { variables }: LintStep): readonly ShellWord[] {
  return positional(words, VALUED).filter(({ value }) => !isPinned(variables.expand(value)))
}

const FROM_FILE = /^(?:-r|-c|--requirement|--constraint)(?:=|$)|^-[rc]\S/

export const dl3013 = commandRule(
  {
    name: 'DL3013',
    severity: 'warning',
    description: 'Name the version of packages that pip installs (package==version).',
  },
  (command, step) => {
    let words = pipInstall(command)
    if (words === undefined && command.name === 'pipx') {
      const verb = command.args.findIndex(({ value }) => value === 'install')
      words = verb === -1 ? undefined : command.args.slice(verb + 1)
    }
    if (words === undefined || words.some(({ value }) => FROM_FILE.test(value))) return undefined
    const loose = looseWords(words, step)
    if (loose.length === 0) return undefined
    return `${command.name} installs ${quoteList(loose)} in whatever version there is: write name==version`
  },
)

const OFF = /^(?:0|off|no|false|)$/i
const CACHE = '/root/.cache/pip'

/** PIP_NO_CACHE_DIR as it is set for the command: by it, before it in the script, or by ENV. */
function noCacheSet(command: ShellCommand, { script, variables }: LintStep): boolean {
  const name = 'PIP_NO_CACHE_DIR'
  let value = variables.env(name)
  for (const { name: program, args, assigned } of script?.commands ?? []) {
    const given =
      program === 'export'
        ? args.find(one => one.value.startsWith(`${name}=`) || one.text.startsWith(`${name}=`))
        : undefined
    if (given !== undefined) value = given.text.slice(name.length + 1)
    if (program === '') value = assigned.get(name) ?? value
  }
  value = command.assigned.get(name) ?? value
  return value !== undefined && !OFF.test(value)
}

export const dl3042 = commandRule(
  {
    name: 'DL3042',
    severity: 'warning',
    description: 'Give pip install --no-cache-dir, so that its cache stays out of the layer.',
  },
  (command, step) => {
    if (pipInstall(command) === undefined || hasFlag(command, '--no-cache-dir')) return undefined
    if (noCacheSet(command, step) || isMounted(step, CACHE)) return undefined
    const detail = 'pip leaves what it downloads in the layer: add --no-cache-dir'
    return { detail, fix: insertFlag(step, command, new Set(['install']), '--no-cache-dir') }
  },
)
