import type { RuntimeSpec, SpecProcess } from '../bundle.ts'

/** How the root file system of a container is put together. */
export interface OverlayPlan {
  /** Bottom to top, absolute. */
  readonly lowers: readonly string[]
  readonly upper: string
  readonly work: string
  /** Overlayfs keeps its marks in user xattrs: the only ones that a user namespace may write. */
  readonly userXattr: boolean
  /** Devices of the root file system cannot be opened. */
  readonly nodev: boolean
}

/** `spec.linux.seccomp` as the kernel takes it. */
export interface SyscallFilter {
  /** An array of `struct sock_filter`. */
  readonly program: Uint8Array
  /** SECCOMP_FILTER_FLAG_… */
  readonly flags: number
}

/** A file in memory, mounted over `target`. */
export interface MemoryFile {
  readonly target: string
  readonly content: string | Uint8Array
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly readonly: boolean
}

/** Paths that open the command's ends of its streams. */
export interface StreamPaths {
  /** Undefined: what the process was started with. */
  readonly stdin?: string | undefined
  readonly stdout: string
  readonly stderr: string
}

/** What the container's first process reads from descriptor 3, in V8's serialisation. */
export interface InitInput {
  readonly spec: RuntimeSpec
  readonly overlay: OverlayPlan
  readonly files: readonly MemoryFile[]
  /** Undefined: the streams that the process was started with. */
  readonly streams?: StreamPaths | undefined
  /** Take /dev/null as standard input, whatever descriptor 0 is. */
  readonly nullStdin: boolean
  /** Files that it writes `0` to, to be in its cgroups. */
  readonly cgroups: readonly string[]
  /** What filters its system calls; undefined: nothing. */
  readonly filter?: SyscallFilter | undefined
  /** The streams are the terminal of this path in the container. */
  readonly terminal?: string | undefined
}

/** The same for a further command in a container that runs. */
export interface ExecInput {
  /** The container's first process as our /proc names it. */
  readonly pid: number
  readonly process: SpecProcess
  readonly cgroups: readonly string[]
  readonly filter?: SyscallFilter | undefined
  readonly streams?: StreamPaths | undefined
  readonly nullStdin: boolean
  readonly terminal?: string | undefined
}

/** What it writes to descriptor 4 when nothing is left to do but to become the command, which may still fail. */
export const READY = '\n'

/** What it writes to descriptor 4 as JSON when the command could not be started; nothing but `READY` otherwise. */
export interface InitFailure {
  /** `start`: the command itself is at fault, with Docker's exit code; `setup`: the sandbox could not be made. */
  readonly kind: 'start' | 'setup'
  readonly code: string
  readonly message: string
  readonly hint?: string | undefined
  readonly exitCode: number
}

export const INPUT_FD = 3
export const FAILURE_FD = 4
/** The command's standard error; ours is that of unshare(1), which has something to say when the command is killed. */
export const STDERR_FD = 5
