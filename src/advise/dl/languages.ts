import { appendCommand } from '../lint/edits.ts'
import { commandRule, commandsAfter, isMounted, removes } from '../lint/lint-rule.ts'
import { flagValue, positional, subcommand } from '../shell/arguments.ts'
import { quoteList, unknownWord } from './words.ts'

const NPM_VALUED: ReadonlySet<string> = new Set([
  ...['--registry', '--loglevel', '--prefix', '-C', '--cache', '--userconfig', '--globalconfig', '--tag', '--omit'],
  ...[
    '--include',
    '--only',
    '-w',
    '--workspace',
    '--fetch-retries',
    '--fetch-timeout',
    '--install-strategy',
    '--https-proxy',
  ],
])
/** A version, a tag, an archive, a folder; of a git address the part after `#`. */
function npmPinned(text: string): boolean {
  if (/^git(?:\+\w+)?:/.test(text)) return text.includes('#')
  return text.lastIndexOf('@') > 0 || /^[./~]|\.(?:tar|tgz|tar\.gz)$|^(?:https?|file):/.test(text) || unknownWord(text)
}

export const dl3016 = commandRule(
  {
    name: 'DL3016',
    severity: 'warning',
    description: 'Name the version of packages that npm installs (package@version).',
  },
  (command, { variables }) => {
    if (command.name !== 'npm') return undefined
    const { verb, words } = subcommand(command, NPM_VALUED)
    // A flag before the verb may have it as its value.
    if (!/^(?:install|i|add)$/.test(verb)) return undefined
    const loose = words.filter(({ value }) => !npmPinned(variables.expand(value)))
    return loose.length === 0
      ? undefined
      : `npm installs ${quoteList(loose)} in whatever version there is: write name@version`
  },
)

const GEM_VALUED: ReadonlySet<string> = new Set([
  ...[
    '-v',
    '--version',
    '-i',
    '--install-dir',
    '-n',
    '--bindir',
    '-P',
    '--trust-policy',
    '-s',
    '--source',
    '-g',
    '--file',
  ],
  ...['--platform', '--document', '-p', '--http-proxy', '--config-file'],
])

export const dl3028 = commandRule(
  { name: 'DL3028', severity: 'warning', description: 'Name the version of gems (gem install name:version).' },
  (command, { variables }) => {
    if (command.name !== 'gem') return undefined
    const end = command.args.findIndex(({ value }) => value === '--')
    const own = { ...command, args: end === -1 ? command.args : command.args.slice(0, end) }
    const { verb, words } = subcommand(own, GEM_VALUED)
    if (!/^(?:install|i)$/.test(verb) || flagValue(own, '-v', '--version') !== undefined) return undefined
    const loose = words.filter(({ value }) => {
      const text = variables.expand(value)
      return !/:|\.gem$|^(?:true|false)$/.test(text) && !unknownWord(text)
    })
    return loose.length === 0
      ? undefined
      : `gem installs ${quoteList(loose)} in whatever version there is: write name:version`
  },
)

const YARN_CACHES = ['/root/.cache/yarn', '/usr/local/share/.cache/yarn']

export const dl3060 = commandRule(
  { name: 'DL3060', severity: 'info', description: 'Run yarn cache clean in the RUN that installs.' },
  (command, step, { final }) => {
    if (command.name !== 'yarn' || !(final.has(step.stage) || step.onbuild)) return undefined
    if (positional(command.args)[0]?.value !== 'install' || YARN_CACHES.some(path => isMounted(step, path)))
      return undefined
    const cleaned = commandsAfter(step, command).some(one => {
      const [first, second] = positional(one.args)
      if (YARN_CACHES.some(path => removes(one, path))) return true
      return one.name === 'yarn' && first?.value === 'cache' && second?.value === 'clean'
    })
    if (cleaned) return undefined
    const detail = 'yarn leaves its cache in the layer: add && yarn cache clean'
    return { detail, fix: appendCommand(step, command, 'yarn cache clean') }
  },
)

const GO_VALUED: ReadonlySet<string> = new Set([
  ...[
    '-C',
    '-p',
    '-asmflags',
    '-buildmode',
    '-compiler',
    '-gccgoflags',
    '-gcflags',
    '-installsuffix',
    '-ldflags',
    '-mod',
  ],
  ...['-modfile', '-overlay', '-pgo', '-pkgdir', '-tags', '-toolexec', '-exec', '-o'],
])

/** A version after `@`, or a place in the file system. */
function goPinned(text: string): boolean {
  return /^[./]|\.go$/.test(text) || (text.includes('@') && !text.endsWith('@latest')) || unknownWord(text)
}

export const dl3062 = commandRule(
  { name: 'DL3062', severity: 'warning', description: 'Name the version of Go modules (go install module@version).' },
  (command, { variables }) => {
    if (command.name !== 'go') return undefined
    const { verb, words } = subcommand(command, GO_VALUED)
    if (!/^(?:install|get|run)$/.test(verb)) return undefined
    // What follows the package of `go run` are its arguments.
    const packages = verb === 'run' ? words.slice(0, 1) : words
    const loose = packages.filter(({ value }) => !goPinned(variables.expand(value)))
    return loose.length === 0
      ? undefined
      : `go ${verb} takes ${quoteList(loose)} in whatever version there is: write module@version`
  },
)
