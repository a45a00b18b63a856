import type { Helper } from '../sandbox/helper.ts'
import type { LocalStore } from '../store/open.ts'
import type { Flags, FlagValues } from './flag.ts'

/** Where a command's words go. Both write at once and in order. */
export interface Output {
  write(data: string | Uint8Array): void
  readonly isTerminal: boolean
  /** A terminal on which what is written can be drawn over; one that says TERM=dumb cannot. */
  readonly canRedraw: boolean
  /** Characters in a line of the terminal; when it is none what COLUMNS says, else 80. */
  readonly columns: number
  /** Lines of the terminal; 24 when it is none. */
  readonly rows: number
}

/** Everything of the process that a command may use. */
export interface Context {
  readonly out: Output
  readonly err: Output
  readonly env: Readonly<Record<string, string | undefined>>
  /** The store's folder as `--root` or SHALE_ROOT name it; undefined means the default one. */
  readonly root: string | undefined
  readonly debug: boolean
  /** Aborted by Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal
  /** Opens the store, once; the program closes it when the command has ended. */
  store(): Promise<LocalStore>
  /** Starts the sandbox's helper, once, at a store that exists; the program ends it when the command has ended. */
  helper(options?: { readonly separate: boolean }): Promise<Helper>
}

export interface Input<F extends Flags> {
  readonly args: readonly string[]
  readonly flags: FlagValues<F>
}

export interface Command<F extends Flags = Flags> {
  /** What follows the command's name: `[OPTIONS] IMAGE [IMAGE...]`. */
  readonly usage: string
  /** One or a few lines about what it does. */
  readonly about: string
  /** Command lines as one would type them, without `shale`, each with what it is for. */
  readonly examples: readonly (readonly [line: string, what: string])[]
  /** How many arguments it takes, options not counted. */
  readonly args: { readonly min: number; readonly max: number }
  readonly flags: F
  /** Options end at the first argument; what follows belongs to somebody else (`run IMAGE ls -l`). */
  readonly passThrough?: boolean
  /** Exit code for errors that are the program's own, 1 if absent; docker has 125 for `run`. */
  readonly failure?: number
  /** The exit code; nothing is 0. */
  run(context: Context, input: Input<F>): Promise<number | undefined>
}

/** A command's module as the catalogue loads it. The type of its flags ends here. */
export interface AnyCommand extends Omit<Command, 'run'> {
  run(context: Context, input: { readonly args: readonly string[]; readonly flags: never }): Promise<number | undefined>
}

/** Keeps the types of the flags for `run`. */
export function command<const F extends Flags>(definition: Command<F>): Command<F> {
  return definition
}
