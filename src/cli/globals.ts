import { UsageError } from './usage-error.ts'

/** Flags before the command, which every command has. */
export interface Globals {
  readonly root: string | undefined
  readonly debug: boolean
  /** Never touch the network. */
  readonly offline: boolean
  readonly registriesConfig: string | undefined
  readonly help: boolean
  readonly version: boolean
}

/** Flags of docker that are harmless here: which daemon to ask, and how. */
const DAEMON_FLAGS = new Set(['-H', '--host', '-c', '--context', '--config', '-l', '--log-level'])

/** Reads the flags before the command; the rest begins with the command. Throws {@link UsageError}. */
export function takeGlobals(words: readonly string[]): { readonly globals: Globals; readonly rest: readonly string[] } {
  let globals: Globals = {
    root: undefined,
    debug: false,
    offline: false,
    registriesConfig: undefined,
    help: false,
    version: false,
  }
  let at = 0
  for (; at < words.length && words[at]?.startsWith('-'); at++) {
    const [, name = '', , inline] = /^(--?[^=]+)(=(.*))?$/s.exec(words[at] as string) ?? []
    if (name === '--debug' || name === '-D') globals = { ...globals, debug: inline !== 'false' }
    else if (name === '--help' || name === '-h') globals = { ...globals, help: true }
    else if (name === '--version' || name === '-v') globals = { ...globals, version: true }
    else if (name === '--offline') globals = { ...globals, offline: inline !== 'false' }
    else if (name === '--root' || name === '--registries-config') {
      const value = inline ?? words[++at]
      if (value === undefined || value === '') throw usage(`flag needs an argument: ${name}`)
      globals = name === '--root' ? { ...globals, root: value } : { ...globals, registriesConfig: value }
    } else if (DAEMON_FLAGS.has(name)) {
      throw usage(`docker's ${name} is not part of Shale: there is no daemon to choose or to set up`)
    } else throw usage(`unknown flag: ${words[at]}`)
  }
  return { globals, rest: words.slice(at) }
}

function usage(message: string): UsageError {
  return new UsageError(message, "See 'shale --help'.", 125)
}
