import type { Digest } from '../oci/digest.ts'
import type { Platform } from '../oci/platform.ts'
import type { Lease, Store } from '../store/types.ts'
import type { CacheExport } from './cache-export.ts'
import type { CacheImport } from './cache-import.ts'
import type { ContextSource } from './context.ts'
import type { Explainer } from './explain.ts'
import type { OnFailedRun } from './failed-run.ts'
import type { KnownDigests } from './hash-files.ts'
import type { KnownCopies } from './known-copies.ts'
import type { LayerBlobs } from './layer-blobs.ts'
import type { LayerWork } from './layer-work.ts'
import type { MountTrees } from './mounts/trees.ts'
import type { NamedContexts } from './named-contexts.ts'
import type { BuildOptions } from './options.ts'
import type { BuildPlan } from './plan.ts'
import type { StageState } from './stage-state.ts'
import type { StepLog } from './steps.ts'
import type { TreeWorker } from './tree-worker.ts'

/** What every step of one build shares. */
export interface BuildContext {
  readonly store: Store
  readonly lease: Lease
  readonly options: BuildOptions
  readonly plan: BuildPlan
  readonly source: ContextSource
  /** What `--build-context` names. */
  readonly contexts: NamedContexts
  readonly layers: LayerWork
  readonly mountTrees: MountTrees
  /** Cache mounts that this build has begun anew because it was asked to build without the cache. */
  readonly freshCaches: Set<Digest>
  readonly blobs: LayerBlobs
  readonly worker: () => Promise<TreeWorker>
  readonly explainer: Explainer
  /** Where recorded steps are found. */
  readonly cacheFrom: CacheImport
  /** Where they are written besides the store. */
  readonly cacheTo: CacheExport
  readonly steps: StepLog
  readonly known: KnownDigests
  readonly copies: KnownCopies
  /** Seconds since 1970 when the build began: the time of directories that it makes. */
  readonly now: number
  readonly signal: AbortSignal
  /** Indexes of the stages whose layers are in the image: these are packed as soon as they are there. */
  readonly exported: ReadonlySet<number>
  /** Runs work when one of the build's places for running commands is free. */
  readonly slot: <T>(work: () => Promise<T>) => Promise<T>
  /** Steps that run now, of all platforms of this build, by their keys. */
  readonly running: Map<Digest, Promise<unknown>>
  /** A stage when it is finished; `by` is the stage that waits for it. Throws `CIRCULAR_DEPENDENCY`. */
  readonly stage: (index: number, by: number) => Promise<StageState>
  /** A named context, else an image of the store or of a registry, as a stage to build on. */
  readonly image: (name: string, platform: Platform) => Promise<StageState>
  /** A new folder on the store's file system that is removed when the build ends. */
  readonly scratchFolder: () => string
  /** Removes a folder that may hold files of mapped users. */
  readonly removeTree: (path: string) => Promise<void>
  /** Starts packing a layer that the image will need. */
  readonly packSoon: (state: StageState) => void
  readonly onFailedRun: OnFailedRun | undefined
}

/** True when the cache may not be asked for this stage. */
export function withoutCache(context: BuildContext, stageLabel: string): boolean {
  const { noCache, noCacheFilter } = context.options
  return noCache === true || (noCacheFilter ?? []).some(name => name.toLowerCase() === stageLabel.toLowerCase())
}
