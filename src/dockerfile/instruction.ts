import type { SourceRange } from '../error.ts'
import type { Heredoc } from './heredoc.ts'

/** A `--name=value` of an instruction as written. */
export interface Flag {
  readonly name: string
  /** Undefined when the flag has no `=`. */
  readonly value: string | undefined
  readonly range: SourceRange
}

/** What every instruction has. Words are as written: variables unexpanded, quotes kept. */
export interface InstructionBase {
  /** From the keyword to the end of its last line, here-documents included. */
  readonly range: SourceRange
  /** The keyword as written, in whatever case. */
  readonly keyword: string
  readonly keywordRange: SourceRange
  readonly flags: readonly Flag[]
  /** The instruction as it stands in the file, here-documents included. */
  readonly raw: string
  /** Keyword in upper case, flags and arguments joined to one line, as progress and history show it. */
  readonly text: string
  /** The comment lines directly above, without `#`. */
  readonly doc?: string | undefined
}

export interface FromInstruction extends InstructionBase {
  readonly kind: 'from'
  readonly image: string
  readonly imageRange: SourceRange
  readonly platform?: string | undefined
  /** In lower case. */
  readonly stageName?: string | undefined
  /** `AS` as written, in whatever case. */
  readonly asKeyword?: string | undefined
}

/** A command as a line for the shell, or as the arguments themselves (JSON form). */
export type CommandLine =
  | { readonly form: 'shell'; readonly command: string; readonly args: readonly string[] }
  | { readonly form: 'exec'; readonly command: string; readonly args: readonly string[] }

/** One `key=value` or `key` of a `--mount` or `--device`. */
export interface MountOption {
  /** In lower case. */
  readonly key: string
  readonly value: string | undefined
  /** The option as written. */
  readonly text: string
  readonly range: SourceRange
}

/** A `--mount` as written; {@link parseMount} gives it its meaning once variables are known. */
export interface MountSpec {
  readonly text: string
  readonly range: SourceRange
  readonly options: readonly MountOption[]
}

export interface Device {
  readonly name: string
  readonly required: boolean
}

export type RunInstruction = InstructionBase &
  CommandLine & {
    readonly kind: 'run'
    readonly heredocs: readonly Heredoc[]
    readonly mounts: readonly MountSpec[]
    readonly network?: 'default' | 'none' | 'host' | undefined
    readonly security?: 'sandbox' | 'insecure' | undefined
    readonly devices: readonly Device[]
  }

/** A source of COPY or ADD in the order of writing. */
export type CopySource =
  | { readonly kind: 'path'; readonly path: string; readonly range: SourceRange }
  | { readonly kind: 'inline'; readonly heredoc: Heredoc; readonly range: SourceRange }

export interface CopyBase extends InstructionBase {
  /** Every source in the order of writing, paths and here-documents alike. */
  readonly order: readonly CopySource[]
  /** The paths (or URLs) among the sources. */
  readonly sources: readonly string[]
  /** Where each of `sources` stands. */
  readonly sourceRanges: readonly SourceRange[]
  /** The here-documents among the sources; `content` has its tabs taken off already when `<<-` asked for it. */
  readonly inline: readonly Heredoc[]
  readonly destination: string
  readonly destinationRange: SourceRange
  readonly chown?: string | undefined
  readonly chmod?: string | undefined
  readonly link: boolean
  /** Patterns as in a .dockerignore, relative to each source directory. */
  readonly exclude: readonly string[]
}

export interface CopyInstruction extends CopyBase {
  readonly kind: 'copy'
  readonly from?: string | undefined
  readonly fromRange?: SourceRange | undefined
  readonly parents: boolean
}

export interface AddInstruction extends CopyBase {
  readonly kind: 'add'
  readonly checksum?: string | undefined
  /** Undefined when the flag is not given: then the URL decides. */
  readonly keepGitDir?: boolean | undefined
  /** Undefined when the flag is not given: then local archives are unpacked and remote ones are not. */
  readonly unpack?: boolean | undefined
}

export interface Pair {
  readonly key: string
  readonly value: string
  readonly range: SourceRange
}

export interface EnvInstruction extends InstructionBase {
  readonly kind: 'env'
  readonly pairs: readonly Pair[]
  /** Written in the old form, `ENV key value`. */
  readonly legacy: boolean
}

export interface LabelInstruction extends InstructionBase {
  readonly kind: 'label'
  readonly pairs: readonly Pair[]
  readonly legacy: boolean
}

export interface Arg {
  readonly key: string
  /** Undefined when the argument has no default. */
  readonly value?: string | undefined
  /** From a comment `# key …` above. */
  readonly doc?: string | undefined
  readonly range: SourceRange
}

export interface ArgInstruction extends InstructionBase {
  readonly kind: 'arg'
  readonly args: readonly Arg[]
}

export interface WorkdirInstruction extends InstructionBase {
  readonly kind: 'workdir'
  readonly path: string
}

export interface UserInstruction extends InstructionBase {
  readonly kind: 'user'
  readonly user: string
}

export interface ExposeInstruction extends InstructionBase {
  readonly kind: 'expose'
  readonly ports: readonly string[]
}

export interface VolumeInstruction extends InstructionBase {
  readonly kind: 'volume'
  readonly form: 'words' | 'exec'
  readonly paths: readonly string[]
}

export interface StopsignalInstruction extends InstructionBase {
  readonly kind: 'stopsignal'
  readonly signal: string
}

/** How often and how long; durations in nanoseconds. */
export interface HealthTimes {
  readonly interval?: number | undefined
  readonly timeout?: number | undefined
  readonly startPeriod?: number | undefined
  readonly startInterval?: number | undefined
  readonly retries?: number | undefined
}

export type HealthcheckInstruction = InstructionBase & { readonly kind: 'healthcheck' } & (
    | { readonly none: true }
    | ({ readonly none: false } & CommandLine & HealthTimes)
  )

export interface ShellInstruction extends InstructionBase {
  readonly kind: 'shell'
  readonly args: readonly string[]
}

export type EntrypointInstruction = InstructionBase & CommandLine & { readonly kind: 'entrypoint' }
export type CmdInstruction = InstructionBase & CommandLine & { readonly kind: 'cmd' }

export interface OnbuildInstruction extends InstructionBase {
  readonly kind: 'onbuild'
  readonly trigger: Instruction
  /** As an image's config keeps it in `OnBuild`. */
  readonly expression: string
}

export interface MaintainerInstruction extends InstructionBase {
  readonly kind: 'maintainer'
  readonly name: string
}

export type Instruction =
  | FromInstruction
  | RunInstruction
  | CopyInstruction
  | AddInstruction
  | EnvInstruction
  | LabelInstruction
  | ArgInstruction
  | WorkdirInstruction
  | UserInstruction
  | ExposeInstruction
  | VolumeInstruction
  | StopsignalInstruction
  | HealthcheckInstruction
  | ShellInstruction
  | EntrypointInstruction
  | CmdInstruction
  | OnbuildInstruction
  | MaintainerInstruction

export type InstructionKind = Instruction['kind']
