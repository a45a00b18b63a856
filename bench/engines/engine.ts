import type { Peak } from '../memory.ts'

/** The programs that are compared, in the order of the table. */
export const ENGINES = ['shale', 'docker', 'buildah'] as const
export type EngineName = (typeof ENGINES)[number]

export interface Done {
  /** Wall time from handing the command over to its end. */
  readonly seconds: number
  readonly stdout: string
}

export interface BuildRequest {
  readonly context: string
  readonly dockerfile: string
  readonly tag: string
  readonly compression: 'zstd' | 'gzip'
  readonly buildArgs?: Readonly<Record<string, string>> | undefined
}

/** What an engine's own words are for what every scenario does; each gives the arguments of one command. */
export interface Commands {
  readonly build: (request: BuildRequest) => readonly string[]
  /** Takes in a docker-archive. */
  readonly load: (archive: string) => readonly string[]
  /** Runs `true` in a container that is gone afterwards; undefined where the program has no such command. */
  readonly run: ((image: string) => readonly string[]) | undefined
  readonly push: (image: string) => readonly string[]
  /** Writes a docker-archive for the comparison. */
  readonly save: (image: string, archive: string) => readonly string[]
  readonly tag: (image: string, name: string) => readonly string[]
  readonly images: readonly string[]
  readonly version: readonly string[]
}

/** One program under test, with a store of its own. */
export interface Engine {
  readonly name: EngineName
  /** As it reports itself. */
  readonly version: string
  readonly commands: Commands
  /** Runs one command to its end; throws with what it said when it fails. */
  readonly exec: (args: readonly string[]) => Promise<Done>
  /** Runs one command and watches its memory; undefined where a daemon does the work. */
  readonly peak: ((args: readonly string[]) => Promise<Peak>) | undefined
  /** Leaves neither image nor build cache. Not timed. */
  readonly reset: () => Promise<void>
  readonly close: () => Promise<void>
}
