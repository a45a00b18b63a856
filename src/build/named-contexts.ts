import { ShaleError } from '../error.ts'
import type { Digest } from '../oci/digest.ts'
import { formatPlatform, type Platform } from '../oci/platform.ts'
import { layeredView } from '../rootfs/view.ts'
import type { Lease, Store } from '../store/types.ts'
import { scratchState } from './base-image.ts'
import type { ContextModes, ContextSource } from './context.ts'
import { contextName } from './context-name.ts'
import { type ContextPlace, type PlaceRequest, placeContext } from './context-place.ts'
import { chainSource } from './copy/chain-source.ts'
import { planCopy } from './copy/plan.ts'
import type { CopySource } from './copy/source.ts'
import { hashPlanned } from './hash-files.ts'
import { stepKey } from './key.ts'
import { FolderDigests } from './known-digests.ts'
import type { LayerWork } from './layer-work.ts'
import { openContext } from './load-context.ts'
import { extend } from './ops/extend.ts'
import type { PullPolicy } from './options.ts'
import type { StageState } from './stage-state.ts'

/** What bringing named contexts takes. */
export interface NamedContextServices {
  readonly store: Store
  readonly lease: Lease
  readonly layers: LayerWork
  readonly scratchFolder: () => string
  readonly env: PlaceRequest['env']
  readonly signal: AbortSignal
  /** An image of the store or of a registry. */
  readonly image: (name: string, platform: Platform, policy?: PullPolicy) => Promise<StageState>
  /** Seconds since 1970 when the build began. */
  readonly now: number
  readonly modes?: ContextModes | undefined
}

/**
 * The contexts of `--build-context`: folders, `docker-image://`, `oci-layout://`, git and HTTP addresses. Each is looked
 * up when a stage first asks for it, and once.
 */
export class NamedContexts {
  readonly #contexts: ReadonlyMap<string, string>
  readonly #services: NamedContextServices
  readonly #folders = new Map<string, Promise<ContextSource>>()
  readonly #states = new Map<string, Promise<StageState>>()
  readonly #known: FolderDigests[] = []

  constructor(contexts: ReadonlyMap<string, string>, services: NamedContextServices) {
    this.#contexts = contexts
    this.#services = services
  }

  has(name: string): boolean {
    return this.#contexts.has(contextName(name))
  }

  /** The context as a stage to build on: a folder's is one layer with all of it. */
  state(name: string, platform: Platform): Promise<StageState> {
    const key = `${contextName(name)} ${formatPlatform(platform)}`
    const pending = this.#states.get(key) ?? this.#named(name, () => this.#state(name, platform))
    this.#states.set(key, pending)
    return pending
  }

  /** The context to copy from: of a folder only what is asked for is read. */
  async source(name: string, platform: Platform): Promise<CopySource> {
    if (imageIn(this.#value(name)) === undefined) return this.#folder(name)
    const { layers } = await this.state(name, platform)
    return chainSource(layers, await this.#services.layers.view(layers), name)
  }

  save(): void {
    for (const known of this.#known) known.save()
  }

  #value(name: string): string {
    return this.#contexts.get(contextName(name)) as string
  }

  async #state(name: string, platform: Platform): Promise<StageState> {
    const found = imageIn(this.#value(name))
    if (found?.kind === 'scratch') return scratchState(platform)
    if (found?.kind === 'image') return this.#services.image(found.name, platform)
    if (found?.kind === 'layout') {
      const state = await this.#services.image(await this.#loadLayout(found), platform, 'missing')
      return { ...state, baseImage: undefined }
    }
    return this.#folderState(name, await this.#folder(name), platform)
  }

  /** A name for the image that is no tag. */
  async #loadLayout({ folder, reference }: Layout): Promise<string> {
    const { loadLayoutImage } = await import('../archive/load-layout-image.ts')
    const { store, lease, signal } = this.#services
    const id: Digest = await loadLayoutImage(store, lease, folder, { reference, signal })
    return `layout@${id}`
  }

  #folder(name: string): Promise<ContextSource> {
    const key = contextName(name)
    const pending = this.#folders.get(key) ?? this.#named(name, () => this.#openFolder(name))
    this.#folders.set(key, pending)
    return pending
  }

  async #openFolder(name: string): Promise<ContextSource> {
    const { store, scratchFolder, env, signal, modes } = this.#services
    const place: ContextPlace = await placeContext({ context: this.#value(name), scratchFolder, env, signal })
    if (place.kind === 'none') throw notAContext(place.name)
    const known = new FolderDigests(store.statIndex, place.folder)
    if (place.kind === 'folder') this.#known.push(known)
    return openContext(place, known, undefined, modes)
  }

  async #folderState(name: string, source: ContextSource, platform: Platform): Promise<StageState> {
    const { store, lease, layers, now } = this.#services
    await source.scan('')
    const planned = hashPlanned(
      planCopy({
        keyword: 'FROM',
        target: layeredView([]),
        sources: [{ word: '.', source }],
        words: 1,
        destination: '/',
        workdir: '',
        now,
      }),
      source.known,
    )
    const record = await store.layers.add(lease, { toc: { entries: planned.map(({ entry }) => entry) } })
    layers.setMaterials(record, planned)
    const ingredients = [{ name: 'files', value: record.contentId }]
    const key = stepKey('context', ingredients)
    const createdAt = store.cache.find(key)?.createdAt ?? Date.now()
    const title = `build context ${contextName(name)}`
    store.cache.put(lease, { key, title, kind: 'context', ingredients, createdAt, durationMs: 0 })
    const state = { ...scratchState(platform), base: `${name} ${record.contentId}` }
    return extend(state, { record, createdAt }, 'set', { title, createdBy: title, ran: false })
  }

  /** Errors say which of the contexts they are about. */
  async #named<T>(name: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof ShaleError)) throw error
      const { code, hint, source, exitCode } = error
      const message = `build context ${contextName(name)}: ${error.message.replace(/^unable to prepare context: /, '')}`
      throw new ShaleError(code, message, { hint, source, exitCode, cause: error })
    }
  }
}

interface Layout {
  readonly kind: 'layout'
  readonly folder: string
  /** Tag or digest. */
  readonly reference: string | undefined
}

function imageIn(value: string): { kind: 'scratch' } | { kind: 'image'; name: string } | Layout | undefined {
  const image = /^docker-image:\/\/(.+)$/s.exec(value)?.[1]
  if (image !== undefined) return image === 'scratch' ? { kind: 'scratch' } : { kind: 'image', name: image }
  const layout = /^oci-layout:\/\/(.+)$/s.exec(value)?.[1]
  if (layout === undefined) return undefined
  const [, folder = layout, tag, digest] = /^(.+?)(?::([\w][\w.-]{0,127}))?(?:@(sha\d+:[0-9a-f]+))?$/.exec(layout) ?? []
  return { kind: 'layout', folder, reference: digest ?? tag }
}

function notAContext(name: string): ShaleError {
  return new ShaleError('CONTEXT_NOT_FOUND', `${name} is neither an archive nor a repository`, {
    hint: 'ADD takes a single file from an address',
  })
}
