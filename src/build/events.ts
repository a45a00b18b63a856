import { ShaleError, type SourceRange } from '../error.ts'
import type { Digest } from '../oci/digest.ts'

/** A step as it is announced before anything runs. */
export interface StepInfo {
  /** Unique in the build, in order of the Dockerfile: `3`. */
  readonly id: number
  /** `[build 2/5] RUN npm ci`, or `[internal] load build context`. */
  readonly name: string
  /** Where the instruction stands; absent for internal steps. */
  readonly range?: SourceRange | undefined
}

/** Why a step ran instead of coming from the cache, or why it did not. */
export interface Reason {
  readonly kind:
    | 'hit'
    | 'first-time'
    | 'context-changed'
    | 'argument-changed'
    | 'instruction-changed'
    | 'base-changed'
    | 'parent-changed'
    | 'cache-dropped'
    | 'no-cache'
  /** One line for a person: `src/main.js changed (content)`. */
  readonly summary: string
  /** Every difference found, one line each, for `--explain`. */
  readonly details: readonly string[]
}

export type StepStatus = 'ran' | 'cached' | 'failed' | 'canceled'

/** What a build tells while it runs, in order. Times are milliseconds since 1970. */
export type BuildEvent =
  | { readonly type: 'started'; readonly at: number; readonly dockerfile: string; readonly steps: readonly StepInfo[] }
  | { readonly type: 'step-started'; readonly id: number; readonly at: number }
  | { readonly type: 'step-added'; readonly step: StepInfo }
  | {
      readonly type: 'step-output'
      readonly id: number
      readonly stream: 'stdout' | 'stderr'
      readonly data: Uint8Array
    }
  | {
      readonly type: 'step-progress'
      readonly id: number
      /** `files`, `bytes`: what is counted. */
      readonly unit: 'bytes' | 'files'
      readonly done: number
      readonly total?: number | undefined
    }
  | {
      readonly type: 'step-finished'
      readonly id: number
      readonly at: number
      readonly status: StepStatus
      readonly durationMs: number
      readonly reason?: Reason | undefined
      /** Exit code of a failed RUN. */
      readonly exitCode?: number | undefined
    }
  | {
      readonly type: 'warning'
      readonly message: string
      /** The rule that the Dockerfile breaks, and Docker's page about it; absent for other warnings. */
      readonly rule?: string | undefined
      readonly url?: string | undefined
      readonly range?: SourceRange | undefined
    }
  | {
      readonly type: 'finished'
      readonly at: number
      readonly durationMs: number
      /** Digest of the manifest or index: the image ID; undefined when no output is made of an image. */
      readonly imageId?: Digest | undefined
      readonly names: readonly string[]
      /** Paths that were written. */
      readonly written: readonly string[]
      readonly ran: number
      readonly cached: number
    }
  | {
      readonly type: 'failed'
      readonly at: number
      /** The error that the build ends with, see `ShaleError`; `INTERNAL` for one that is no ShaleError. */
      readonly code: string
      readonly message: string
      readonly hint?: string | undefined
      /** The file that the range points into, as errors call it. */
      readonly file?: string | undefined
      readonly range?: SourceRange | undefined
    }

/** How a build tells of the error that it ends with. */
export function failedEvent(error: unknown): BuildEvent {
  const at = Date.now()
  if (!(error instanceof ShaleError)) {
    return { type: 'failed', at, code: 'INTERNAL', message: error instanceof Error ? error.message : String(error) }
  }
  const { code, message, hint, source } = error
  return { type: 'failed', at, code, message, hint, file: source?.file, range: source?.range }
}
