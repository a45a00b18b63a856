import type { Dockerfile } from '../dockerfile/parse.ts'
import type { Digest } from '../oci/digest.ts'
import { type Helper, openHelper } from '../sandbox/helper.ts'
import type { Lease, Store } from '../store/types.ts'
import type { PullImage } from './base-image.ts'
import { CacheExport } from './cache-export.ts'
import { CacheImport } from './cache-import.ts'
import type { ContextPlace } from './context-place.ts'
import type { BuildEvent } from './events.ts'
import type { OnFailedRun } from './failed-run.ts'
import { KnownCopies } from './known-copies.ts'
import type { FolderDigests } from './known-digests.ts'
import { type BlobOptions, LayerBlobs } from './layer-blobs.ts'
import { LayerWork } from './layer-work.ts'
import { MountTrees } from './mounts/trees.ts'
import type { ScratchFolders } from './scratch.ts'
import type { CacheSource, CacheTarget } from './shared-cache.ts'
import { StepLog } from './steps.ts'
import { type TreeWorker, treeWorker } from './tree-worker.ts'

/** What a build needs from the rooms above it. */
export interface BuildServices {
  /** Brings a base image into the store. */
  readonly pull: PullImage
  /** An open helper of this store that several builds share; it stays open. Without it each build starts its own. */
  readonly helper?: Helper | undefined
  /** Where proxies and SHALE_OFFLINE are looked up; the process' environment if absent. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** Looked through in this order for steps that the store lacks. */
  readonly cacheFrom?: readonly CacheSource[] | undefined
  readonly cacheTo?: readonly CacheTarget[] | undefined
  /** Looks at the first step that fails. */
  readonly onFailedRun?: OnFailedRun | undefined
}

interface SessionParts {
  readonly store: Store
  readonly lease: Lease
  readonly place: ContextPlace
  readonly known: FolderDigests
  readonly scratch: ScratchFolders
  readonly services: BuildServices
  readonly dockerfile: Dockerfile
  /** How layers are packed for caches, unless these say otherwise. */
  readonly packs: BlobOptions
  readonly signal?: AbortSignal | undefined
  readonly onEvent?: ((event: BuildEvent) => void) | undefined
}

/** What the builds for all platforms of one call share. */
export class BuildSession {
  readonly store: Store
  readonly lease: Lease
  readonly place: ContextPlace
  readonly known: FolderDigests
  readonly copies: KnownCopies
  readonly scratch: ScratchFolders
  readonly env: Readonly<Record<string, string | undefined>>
  readonly pull: PullImage
  readonly onFailedRun: OnFailedRun | undefined
  readonly signal: AbortSignal
  /** Steps that run now, by their keys: a second platform waits for what the first one makes. */
  readonly running = new Map<Digest, Promise<unknown>>()
  readonly layers: LayerWork
  readonly mountTrees: MountTrees
  /** Where recorded steps are found. */
  readonly cacheFrom: CacheImport
  /** Where they are written besides the store. */
  readonly cacheTo: CacheExport
  readonly #log: StepLog
  /** Cache mounts that this build has begun anew because it was asked to build without the cache. */
  readonly freshCaches = new Set<Digest>()
  readonly #blobs = new Map<string, LayerBlobs>()
  readonly #parts: SessionParts
  readonly #abort = new AbortController()
  #steps = 0
  #helper: Promise<Helper> | undefined

  constructor(parts: SessionParts) {
    const { store, lease, place, known, scratch, services, signal } = parts
    this.#parts = parts
    this.store = store
    this.lease = lease
    this.place = place
    this.known = known
    this.copies = new KnownCopies(store.statIndex, place.folder)
    this.scratch = scratch
    this.layers = new LayerWork(store, lease, this.worker)
    const { layers, worker, removeTree } = this
    this.mountTrees = new MountTrees({ layers, worker, removeTree, folder: scratch.make })
    this.signal = signal === undefined ? this.#abort.signal : AbortSignal.any([signal, this.#abort.signal])
    this.#log = new StepLog(parts.dockerfile, this.emit, this.nextStep)
    const shared = { steps: this.#log, signal: this.signal, warn: this.#warn }
    this.cacheFrom = new CacheImport(services.cacheFrom ?? [], { store, lease, layers, ...shared })
    const packing = { store, lease, layers, worker }
    const { packs: options } = parts
    this.cacheTo = new CacheExport(services.cacheTo ?? [], { packing, blobs: this.blobs(options), options, ...shared })
    this.env = services.env ?? process.env
    this.pull = services.pull
    this.onFailedRun = services.onFailedRun && onlyTheFirst(services.onFailedRun, this.signal)
  }

  /** The number of a new step. */
  readonly nextStep = (): number => ++this.#steps

  readonly emit = (event: BuildEvent): void => this.#parts.onEvent?.(event)

  readonly #warn = (message: string): void => this.emit({ type: 'warning', message })

  readonly helper = async (): Promise<Helper> => {
    const { helper } = this.#parts.services
    if (helper !== undefined) return helper
    this.#helper ??= this.#newHelper()
    return this.#helper
  }

  readonly worker = async (): Promise<TreeWorker> => treeWorker(await this.helper(), this.store.tempDir)

  readonly removeTree = async (path: string): Promise<void> => (await this.worker()).removeTree(path)

  /** Those that pack in this way. */
  blobs(options: BlobOptions): LayerBlobs {
    const key = JSON.stringify(options)
    const { store, lease, layers, worker } = this
    const blobs = this.#blobs.get(key) ?? new LayerBlobs({ store, lease, layers, worker }, options)
    this.#blobs.set(key, blobs)
    return blobs
  }

  abort(): void {
    this.#abort.abort()
  }

  /** When no step runs any more. */
  async close(): Promise<void> {
    await this.cacheTo.close()
    for (const blobs of this.#blobs.values()) await blobs.close()
    await this.mountTrees.close()
    // What was fetched is somewhere else the next time.
    if (this.place.kind === 'folder') {
      this.known.save()
      this.copies.save()
    }
    await this.#helper?.then(
      helper => helper.close(),
      () => {},
    )
  }

  async #newHelper(): Promise<Helper> {
    const helper = await openHelper({ root: this.store.root })
    for (const message of helper.limits) this.#warn(message)
    return helper
  }
}

/** Steps may fail at the same time: the others wait for the end that the first one gives the build, so that it is told of. */
function onlyTheFirst(look: OnFailedRun, ended: AbortSignal): OnFailedRun {
  let isTaken = false
  return failed => {
    if (isTaken) return whenAborted(ended)
    isTaken = true
    return look(failed)
  }
}

function whenAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
}
