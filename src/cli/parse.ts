import { Command as Commander, CommanderError, Option } from 'commander'
import { nearest } from '../dockerfile/nearest.ts'
import type { AnyCommand } from './command.ts'
import { type Flag, type Flags, longName } from './flag.ts'
import { UsageError } from './usage-error.ts'

/** What a command line says once its flags are read; `help` when it asked for that. */
export type Parsed =
  | { readonly kind: 'help' }
  | { readonly kind: 'run'; readonly args: readonly string[]; readonly flags: Readonly<Record<string, unknown>> }

/** docker's exit code for a flag that it does not know. */
const FLAG_ERROR = 125

/** Reads the words after a command's name. Throws {@link UsageError} in docker's words. */
export function parseCommandLine(form: string, command: AnyCommand, words: readonly string[]): Parsed {
  const given = new Map<string, string[]>()
  const parser = new Commander(form).exitOverride().configureOutput({ writeOut() {}, writeErr() {} })
  parser.argument('[args...]').helpOption(false)
  if (command.passThrough) parser.passThroughOptions()
  for (const [key, flag] of Object.entries(command.flags)) parser.addOption(optionFor(key, flag, given))
  const short = Object.values(command.flags).some(flag => flag.short === 'h') ? '' : '-h, '
  parser.addOption(optionFor('help', { kind: 'boolean', help: '', read: () => undefined }, given, short))
  try {
    parser.parse(plainWords(form, command, words, given), { from: 'user' })
  } catch (error) {
    throw usageError(form, command, error)
  }
  if (given.has('help')) return { kind: 'help' }
  checkArguments(form, command, parser.args)
  checkChoices(form, command.flags, given)
  const flags = Object.entries(command.flags).map(([key, flag]) => [key, flag.read(given.get(key) ?? [])])
  return { kind: 'run', args: parser.args, flags: Object.fromEntries(flags) }
}

function optionFor(key: string, flag: Flag<unknown>, given: Map<string, string[]>, short?: string): Option {
  const names = `${short ?? (flag.short === undefined ? '' : `-${flag.short}, `)}--${longName(key)}`
  const option = new Option(flag.kind === 'boolean' ? names : `${names} <value>`)
  // Commander would make `--no-trunc` the opposite of `--trunc`; to docker it is a name like any other.
  option.negate = false
  const note = (value: string | undefined) => {
    const values = given.get(key) ?? []
    values.push(value ?? 'true')
    given.set(key, values)
    return values
  }
  return flag.kind === 'boolean' ? option.preset('true').argParser(note) : option.argParser(note)
}

/** docker's flags take `--rm=false` and `-f=FILE` too; Commander's booleans take no value, its `-f` would take the `=`. */
function plainWords(
  form: string,
  command: AnyCommand,
  words: readonly string[],
  given: Map<string, string[]>,
): readonly string[] {
  const names = new Map(Object.entries(command.flags).map(([key, flag]) => [`--${longName(key)}`, { ...flag, key }]))
  const result: string[] = []
  for (let at = 0; at < words.length; at++) {
    if (words[at] === '--' || (command.passThrough && !words[at]?.startsWith('-')))
      return [...result, ...words.slice(at)]
    const [before, word] = shortAsLong(command.flags, words[at] as string)
    if (before !== '') result.push(before)
    const [, name = '', value = ''] = /^(--[^=]+)=(.*)$/s.exec(word) ?? []
    const flag = names.get(name)
    if (flag?.kind === 'boolean') {
      if (flag.words?.includes(value)) given.set(flag.key, [value])
      else if (readBoolean(form, name, value)) result.push(name)
      else given.set(flag.key, ['false'])
      continue
    }
    result.push(word)
    if (takesNext(names, command.flags, word) && at + 1 < words.length) result.push(words[++at] as string)
  }
  return result
}

/** `-aH=false` → `-a`, `--human=false`; what has no such value as it is. */
function shortAsLong(flags: Flags, word: string): readonly [before: string, word: string] {
  const [, letters = '', last = '', value = ''] = /^-([^-=]*)([^-=])=(.*)$/s.exec(word) ?? []
  const named = (letter: string) => Object.entries(flags).find(([, { short }]) => short === letter)
  const [key] = named(last) ?? []
  const onlyBooleans = [...letters].every(letter => named(letter)?.[1].kind === 'boolean')
  if (key === undefined || !onlyBooleans) return ['', word]
  return [letters === '' ? '' : `-${letters}`, `--${longName(key)}=${value}`]
}

function readBoolean(form: string, name: string, value: string): boolean {
  if (/^(?:true|t|1)$/i.test(value)) return true
  if (/^(?:false|f|0)$/i.test(value)) return false
  const message = `invalid argument ${JSON.stringify(value)} for "${name}" flag: must be true or false`
  throw new UsageError(message, `See 'shale ${form} --help'.`, FLAG_ERROR)
}

/** True for `--file` and `-f`, whose value is the next word, whatever that looks like. */
function takesNext(names: ReadonlyMap<string, Flag<unknown>>, flags: Flags, word: string): boolean {
  if (word.startsWith('--')) return (names.get(word)?.kind ?? 'boolean') !== 'boolean'
  if (!/^-[^-]/.test(word)) return false
  const letters = [...word.slice(1)]
  const valued = letters.findIndex(letter => {
    const flag = Object.values(flags).find(({ short }) => short === letter)
    return flag !== undefined && flag.kind !== 'boolean'
  })
  return valued === letters.length - 1
}

function usageError(form: string, command: AnyCommand, error: unknown): unknown {
  if (!(error instanceof CommanderError)) return error
  const flag = /'([^']*)'/.exec(error.message)?.[1] ?? ''
  const see = `See 'shale ${form} --help'.`
  if (error.code === 'commander.unknownOption') {
    const isLong = flag.startsWith('--')
    const name = isLong ? flag.replace(/=.*$/s, '') : flag
    const near = isLong
      ? nearest(name, [...Object.keys(command.flags).map(key => `--${longName(key)}`), '--help'])
      : undefined
    const known = dockerFlags(form).includes(isLong ? name : name.slice(0, 2))
    const message = known
      ? `docker's ${isLong ? name : name.slice(0, 2)} is not supported by \`shale ${form}\` yet`
      : isLong
        ? `unknown flag: ${name}`
        : `unknown shorthand flag: '${flag.slice(1, 2)}' in ${flag}`
    const mean = near === undefined || known ? '' : `Did you mean ${near}?\n`
    return new UsageError(message, `${mean}${see}`, FLAG_ERROR)
  }
  if (error.code === 'commander.optionMissingArgument') {
    const [short = '', long] = flag.replace(/ <value>$/, '').split(', ')
    return new UsageError(`flag needs an argument: ${long ?? short}`, see, FLAG_ERROR)
  }
  return new UsageError(error.message.replace(/^error: /, ''), see, FLAG_ERROR)
}

function checkArguments(form: string, command: AnyCommand, args: readonly string[]): void {
  const { min, max } = command.args
  if (args.length >= min && args.length <= max) return
  const plural = (count: number) => `${count} argument${count === 1 ? '' : 's'}`
  const wanted =
    max === 0
      ? 'accepts no arguments'
      : min === max
        ? `requires exactly ${plural(min)}`
        : args.length < min
          ? `requires at least ${plural(min)}`
          : `requires at most ${plural(max)}`
  throw new UsageError(
    `"shale ${form}" ${wanted}.`,
    `See 'shale ${form} --help'.\n\nUsage:  shale ${form} ${command.usage}\n\n${command.about}`,
    command.failure ?? 1,
  )
}

function checkChoices(form: string, flags: Flags, given: ReadonlyMap<string, readonly string[]>): void {
  for (const [key, values] of given) {
    const choices = flags[key]?.choices
    const wrong = choices && values.find(value => !choices.includes(value))
    if (choices === undefined || wrong === undefined) continue
    const near = nearest(wrong, choices)
    throw new UsageError(
      `invalid argument ${JSON.stringify(wrong)} for "--${longName(key)}" flag: must be one of ${choices.join(', ')}`,
      `${near === undefined ? '' : `Did you mean ${near}?\n`}See 'shale ${form} --help'.`,
      FLAG_ERROR,
    )
  }
}

/** Flags that docker has for a command and we lack: these are named as such instead of called unknown. */
function dockerFlags(form: string): readonly string[] {
  return DOCKER_FLAGS[form.split(' ').at(-1) ?? ''] ?? []
}

const split = (names: string) => names.split(' ').map(name => (name.length === 1 ? `-${name}` : `--${name}`))

const RUN = split(
  'a c d l m p P annotation attach blkio-weight cap-add cap-drop cgroup-parent cgroupns cidfile cpus cpu-shares ' +
    'cpuset-cpus detach detach-keys device dns domainname expose gpus group-add health-cmd init ip ipc ' +
    'isolation label label-file link log-driver log-opt mac-address memory memory-swap mount network-alias ' +
    'oom-kill-disable pid pids-limit privileged publish publish-all restart runtime security-opt shm-size ' +
    'sig-proxy stop-signal stop-timeout storage-opt sysctl tmpfs ulimit userns uts volume-driver volumes-from',
)

const DOCKER_FLAGS: Readonly<Record<string, readonly string[]>> = {
  build: split(
    'c m allow annotation attest builder call check push secret ' +
      'shm-size ssh ulimit cgroup-parent cpu-period cpu-quota cpu-shares cpuset-cpus cpuset-mems isolation memory ' +
      'memory-swap security-opt squash compress',
  ),
  run: RUN,
  create: RUN,
  images: split('tree'),
  ls: split('tree'),
  inspect: split('type size'),
}
