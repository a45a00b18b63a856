import type {
  AppliedLayer,
  ApplyRequest,
  DiffRequest,
  PackRequest,
  PackResult,
  ReadFileRequest,
  TocStats,
  WriteTreeRequest,
} from './layer-requests.ts'
import type { ExecRequest, RunControl, RunEvent, RunRequest, RunResult } from './run-request.ts'

/** What the helper does: for each operation what goes in, what comes while it runs and what comes out. */
export interface Operations {
  readonly run: { readonly input: RunRequest; readonly event: RunEvent; readonly output: RunResult }
  readonly exec: { readonly input: ExecRequest; readonly event: RunEvent; readonly output: RunResult }
  /** Unpacks a blob as a tree. */
  readonly applyBlob: Operation<ApplyRequest, AppliedLayer>
  /** Writes a tree from its table and its files' sources. */
  readonly writeTree: Operation<WriteTreeRequest, TocStats>
  /** The layer that an upper folder amounts to. */
  readonly diff: Operation<DiffRequest, TocStats>
  /** Writes a blob from a table and its files' sources. */
  readonly pack: Operation<PackRequest, PackResult>
  /** Deletes a folder with all in it, whoever owns it; missing is fine. */
  readonly removeTree: Operation<{ readonly path: string }, null>
  readonly readFile: Operation<ReadFileRequest, Uint8Array>
}

interface Operation<I, O> {
  readonly input: I
  readonly event: never
  readonly output: O
}

export type OperationName = keyof Operations
export type Input<K extends OperationName> = Operations[K]['input']
export type Event<K extends OperationName> = Operations[K]['event']
export type Output<K extends OperationName> = Operations[K]['output']

/** What an operation is given besides its input. */
export interface OperationContext<K extends OperationName> {
  readonly signal: AbortSignal
  readonly host: HelperHost
  /** Resolves when the receiver has dealt with the event, which is what slows a fast sender down. */
  emit(event: Event<K>): Promise<void>
  /** Calls back, in order, for everything that the caller passes on to what the operation runs. */
  onControl(listener: (control: RunControl) => void): void
}

export type Handler<K extends OperationName> = (input: Input<K>, context: OperationContext<K>) => Promise<Output<K>>

/** What the helper knows of its own situation. */
export interface HelperHost {
  readonly rootless: boolean
  /** Only one user exists here, so everything in trees belongs to it. */
  readonly singleUser: boolean
  /** Whether group 5 (tty) exists where the helper runs. */
  readonly ttyGroup: boolean
  /** Whatever is started here ends with this process, which is the first of a PID namespace. */
  readonly contains: boolean
}

export type ToHelper =
  | { readonly kind: 'request'; readonly id: number; readonly operation: OperationName; readonly input: unknown }
  | { readonly kind: 'cancel'; readonly id: number }
  | { readonly kind: 'received'; readonly id: number }
  | { readonly kind: 'control'; readonly id: number; readonly control: RunControl }

export type FromHelper =
  | { readonly kind: 'ready' }
  | { readonly kind: 'event'; readonly id: number; readonly event: unknown }
  | { readonly kind: 'result'; readonly id: number; readonly output: unknown }
  | { readonly kind: 'failure'; readonly id: number; readonly error: WireError }

/** An error on its way between the processes. */
export interface WireError {
  readonly code: string
  readonly message: string
  readonly hint?: string | undefined
  readonly exitCode?: number | undefined
  /** Of a system error. */
  readonly syscall?: string | undefined
  readonly path?: string | undefined
}
