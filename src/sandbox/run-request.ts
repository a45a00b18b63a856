import type { DnsOptions, PrivateNetwork } from '../network/options.ts'
import type { CgroupFolder } from './cgroup/plan.ts'
import type { Isolation } from './isolation.ts'

/** docker's name for this machine as a container reaches it. */
export const HOST_GATEWAY = 'host-gateway'

/** The container's name for itself when it is given none. */
export const DEFAULT_HOSTNAME = 'shale'

/** Something mounted over a path of the container; parents and the target itself are made when missing, and never stay behind. */
export type RunMount = PlainMount | PreparedMount

/** Whether it is one that a container mounts by itself. */
export function isPlain(mount: RunMount): mount is PlainMount {
  return mount.kind === 'bind' || mount.kind === 'tmpfs' || mount.kind === 'file'
}

/** What a runtime mounts by itself. */
export type PlainMount =
  | {
      readonly kind: 'bind'
      /** Absolute path on the host. */
      readonly source: string
      readonly target: string
      readonly readonly?: boolean
    }
  | {
      /** An empty file system in memory. */
      readonly kind: 'tmpfs'
      readonly target: string
      /** Bytes; half of the machine's memory when absent. */
      readonly size?: number
      /** Default 0o1777. */
      readonly mode?: number
      readonly readonly?: boolean
      readonly noexec?: boolean
    }
  | {
      /** A file that exists only in memory and only for this run: secrets, /etc/resolv.conf. */
      readonly kind: 'file'
      readonly target: string
      readonly content: string | Uint8Array
      /** Default 0o644. */
      readonly mode?: number
      readonly uid?: number
      readonly gid?: number
      /** Default true. */
      readonly readonly?: boolean
    }

/** What the helper makes ready beforehand and a runtime then binds. */
export type PreparedMount =
  | {
      /** What is at a path beneath a folder that others may be changing: links and `..` never lead out of it. */
      readonly kind: 'beneath'
      readonly root: string
      readonly path: string
      readonly target: string
      readonly readonly?: boolean
    }
  | {
      /** The same of trees laid over each other. What is written there is thrown away. */
      readonly kind: 'overlay'
      /** Bottom to top; absolute paths. */
      readonly lowers: readonly string[]
      readonly path: string
      readonly target: string
      readonly readonly?: boolean
    }
  | {
      /** A socket that passes every connection on to another one of the host, whose owner need not be the container's. */
      readonly kind: 'socket'
      readonly connect: string
      readonly target: string
      readonly mode: number
      readonly uid: number
      readonly gid: number
    }

/** In characters; zeros where it is not known. */
export interface TerminalSize {
  readonly rows: number
  readonly columns: number
}

export interface RunConfig extends Isolation {
  readonly args: readonly string[]
  /** `NAME=value`. The command is looked up in the PATH that is given here. */
  readonly env: readonly string[]
  /** Absolute; must exist in the container. Default `/`. */
  readonly cwd?: string
  /** Numeric; names are looked up by the caller. Default 0. */
  readonly uid?: number
  readonly gid?: number
  readonly additionalGids?: readonly number[]
  /** {@link DEFAULT_HOSTNAME} if absent. */
  readonly hostname?: string
  /** `none` has a loopback interface and nothing else; `private` is the request's `network`. */
  readonly networkMode: 'host' | 'none' | 'private'
  readonly dns?: DnsOptions
  readonly readonlyRoot?: boolean
  /** The three streams are a terminal of the container's own, and `stdio` means nothing. */
  readonly terminal?: TerminalSize
  /**
   * A buffer is what the command reads. `inherit` takes all three streams of the calling process, `open` reads what is
   * passed on while it runs. Default `null`.
   */
  readonly stdio?: 'null' | 'inherit' | 'open' | Uint8Array
  /** Further lines of /etc/hosts; the address may be {@link HOST_GATEWAY}. */
  readonly extraHosts?: readonly { readonly name: string; readonly address: string }[]
  /** Octal; default 0o22. */
  readonly umask?: number
  /** Leave /etc/hostname as the image has it, so that a change of it is a change of the image, as in BuildKit's RUN. */
  readonly ownHostnameFile?: boolean
  /** Leave /etc/hosts, /etc/hostname and /etc/resolv.conf as the image has them. */
  readonly bareEtc?: boolean
}

export interface RunRequest {
  /** Trees of the layers, bottom to top; absolute paths. */
  readonly lowers: readonly string[]
  /** Empty (or an earlier run's) folder that takes what the command changes. Absolute, beside `work`. */
  readonly upper: string
  /** Empty folder on the file system of `upper`, for overlayfs. Its content is not to be looked at. */
  readonly work: string
  readonly mounts?: readonly RunMount[]
  /** Groups to make for it, by which `config.resources` holds; see `planCgroups`. */
  readonly cgroups?: readonly CgroupFolder[]
  /** Made for the run, its ports open while it lasts. */
  readonly network?: PrivateNetwork
  readonly config: RunConfig
  /** Another run is likely to follow: its first process is started while this one's command runs. */
  readonly followed?: boolean
}

export interface RunResult {
  /** As a shell has it: 128 + the number when a signal ended the command; 126 and 127 when it could not be started. */
  readonly exitCode: number
  readonly signal?: string
  /** The kernel ended something for lack of memory while the command ran, and the exit code says that it was this. */
  readonly oomKilled: boolean
  /** Why the command could not be started, in Docker's words. */
  readonly startError?: string
}

/** What a caller passes on to a command that runs. */
export type RunControl =
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals }
  /** Typed at its terminal, or written to its standard input when that is `open`. */
  | { readonly kind: 'input'; readonly chunk: Uint8Array }
  | { readonly kind: 'end-input' }
  | { readonly kind: 'resize'; readonly size: TerminalSize }

/** A piece of what the command wrote; at a terminal all of it is `stdout`. */
export interface RunOutput {
  readonly stream: 'stdout' | 'stderr'
  readonly chunk: Uint8Array
}

/** That the command itself runs; the process ID is the helper's own name for it. */
export interface RunStarted {
  readonly pid: number
}

export type RunEvent = RunOutput | RunStarted

/** A further command in a container that runs. */
export interface ExecRequest {
  /** The container's first process, as `RunStarted` named it. */
  readonly pid: number
  /** Of what a run has, what belongs to a process. */
  readonly config: RunConfig
}
