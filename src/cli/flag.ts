/** What a flag takes on the command line. */
export type FlagKind = 'boolean' | 'text' | 'list'

/** A flag of a command; its long name is its key in the command's flags: `noTrunc` is `--no-trunc`. */
export interface Flag<T> {
  readonly kind: FlagKind
  readonly short?: string | undefined
  /** What stands for the value in the help: `string`, `list`, `file`. */
  readonly placeholder?: string | undefined
  readonly help: string
  /** Not shown in the help: docker has it, and it changes nothing here. */
  readonly hidden?: boolean | undefined
  readonly choices?: readonly string[] | undefined
  /** Words that a boolean takes besides true and false: `--pull=never`. */
  readonly words?: readonly string[] | undefined
  /** The flag's value, from everything that was given for it, in order; a given boolean is `'true'`. */
  read(given: readonly string[]): T
}

export type Flags = Readonly<Record<string, Flag<unknown>>>

export type FlagValues<F extends Flags> = { readonly [K in keyof F]: F[K] extends Flag<infer T> ? T : never }

interface Looks {
  readonly short?: string
  readonly placeholder?: string
  readonly hidden?: boolean
  readonly choices?: readonly string[]
}

/** `--all`, `--all=false`; when absent `fallback`. */
export function boolean(help: string, looks: Looks = {}, fallback = false): Flag<boolean> {
  return { kind: 'boolean', help, ...looks, read: given => (given.length === 0 ? fallback : given.at(-1) === 'true') }
}

/** `--pull`, `--pull=never`: one of the words, or `true` or `false`; undefined when absent. */
export function wordOrBoolean(help: string, words: readonly string[], looks: Looks = {}): Flag<string | undefined> {
  return { kind: 'boolean', help, words, ...looks, read: given => given.at(-1) }
}

/** `--file X`; given again, the last one counts. */
export function text(help: string, looks: Looks = {}): Flag<string | undefined> {
  return { kind: 'text', help, placeholder: 'string', ...looks, read: given => given.at(-1) }
}

/** `--tag X --tag Y`: all of them. */
export function list(help: string, looks: Looks = {}): Flag<readonly string[]> {
  return { kind: 'list', help, placeholder: 'list', ...looks, read: given => given }
}

/** `noTrunc` → `no-trunc` */
export function longName(key: string): string {
  return key.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}
