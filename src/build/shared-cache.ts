import type { Toc } from '../layer/toc.ts'
import type { Digest } from '../oci/digest.ts'
import type { Compression } from '../oci/media-types.ts'
import type { BuiltStep, CacheRecord, LayerBlob, LayerRecord, Lease } from '../store/types.ts'

/** A recorded step as it is kept outside of the store. */
export interface SharedStep
  extends Pick<CacheRecord, 'key' | 'title' | 'kind' | 'ingredients' | 'createdAt' | 'durationMs'> {
  /** Of the layer that came out; absent when the step made none. */
  readonly contentId?: Digest | undefined
}

/** A cache outside of the store, such as in a registry, that a build may take steps from. */
export interface CacheSource {
  /** For messages: `registry.example.com/app:cache`. */
  readonly name: string
  /** Reads what steps there are, not what they made. Throws when there is no cache that can be read. */
  open(signal: AbortSignal): Promise<SharedCache>
}

export interface SharedCache {
  /** The steps of the build that wrote it, for explaining. */
  readonly built: readonly BuiltStep[]
  peek(key: Digest): SharedStep | undefined
  /**
   * Brings a step and its layer into the store, verified; nothing when there is no such step. Throws when its layer
   * cannot be had or is not what the record says, and records nothing then.
   */
  bring(key: Digest, lease: Lease, signal: AbortSignal): Promise<void>
  /** What a step's layer holds, as the cache says: for display only. Undefined where that costs the layer itself. */
  toc(key: Digest, signal: AbortSignal): Promise<Toc | undefined>
}

/** A cache outside of the store that a build writes. */
export interface CacheTarget {
  readonly name: string
  /** The steps of the image that is built, or those of every stage that it needs. */
  readonly mode: 'min' | 'max'
  /** That of the build if absent. */
  readonly compression?: Compression | undefined
  readonly compressionLevel?: number | undefined
  /** A cache that cannot be written is a warning. */
  readonly ignoreError: boolean
  /** Notes a step and begins to move its layer; settles when that is there. Idempotent. */
  add(step: SharedStep, layer: SharedLayer | undefined, signal: AbortSignal): Promise<void>
  /** Gives what was noted its name. */
  finish(built: readonly BuiltStep[], lease: Lease, signal: AbortSignal): Promise<void>
}

export interface SharedLayer {
  readonly record: LayerRecord
  readonly blob: LayerBlob
}
