import type { Toc } from '../layer/toc.ts'
import { decodeToc } from '../layer/toc-codec.ts'
import type { Digest } from '../oci/digest.ts'
import type { BuiltStep, CacheRecord, Ingredient, LayerRecord, Store } from '../store/types.ts'
import type { CacheImport } from './cache-import.ts'
import type { Reason } from './events.ts'
import { changeLine, type IngredientChange, ingredientChanges, short, showIngredient } from './ingredient-changes.ts'
import type { SharedStep } from './shared-cache.ts'
import { type TocChange, tocChanges } from './toc-changes.ts'

/** A step about to run or to be taken from the cache, as far as explaining it needs. */
export interface ExplainedStep {
  readonly stage: string
  readonly ordinal: number
  readonly title: string
  readonly kind: string
  readonly ingredients: readonly Ingredient[]
  /** What a COPY would write, with the name of each entry's source. */
  readonly files?: { readonly toc: Toc; readonly sourceName: (path: string) => string } | undefined
  /** What a RUN's mounts show it, with the name of each file's source. */
  readonly inputs?: { readonly toc: Toc; readonly sourceName: (path: string) => string } | undefined
  /** The step above that changed files last, whether in this build or when it was cached. */
  readonly above?: string | undefined
}

/** Where a step stands in this build. */
export interface StepPlace {
  readonly key: Digest
  /** The platform that was asked for: each has its own last build. */
  readonly platform?: string | undefined
  /** `the base image changed: debian`: what to say of a step when nothing between FROM and it has changed. */
  readonly ground?: Pick<Reason, 'kind' | 'summary'> | undefined
  /** Keyed steps of this build so far, in the order in which their stages came to them. */
  readonly built: readonly BuiltStep[]
}

/** Answers why a step ran, from the records of the build before. */
export class Explainer {
  readonly #store: Store
  readonly #shared: CacheImport
  /** Of a cache elsewhere, when this lineage was never built here. */
  #previous: readonly BuiltStep[]
  /** Keys of the steps that ran in this build. */
  readonly #ran = new Set<Digest>()

  constructor(store: Store, lineage: string, shared: CacheImport) {
    this.#store = store
    this.#shared = shared
    this.#previous = store.cache.lastBuild(lineage)
  }

  hit(record: CacheRecord): Reason {
    const saved = record.durationMs < 1000 ? '' : `, saves ${(record.durationMs / 1000).toFixed(1)}s`
    const summary = `same inputs as on ${new Date(record.createdAt).toISOString().slice(0, 16).replace('T', ' ')}${saved}`
    return { kind: 'hit', summary, details: record.ingredients.map(showIngredient) }
  }

  /** `dropped`: a record with this very key is there, but its files are not any more. */
  async miss(step: ExplainedStep, place: StepPlace, dropped: boolean): Promise<Reason> {
    this.#ran.add(place.key)
    if (dropped) return { kind: 'cache-dropped', summary: 'the cached files of this step were removed', details: [] }
    const builtHere = this.#previous.length > 0
    if (!builtHere) this.#previous = await this.#shared.built()
    const before = this.#counterpart(step)
    if (before === undefined) {
      const first = `first build here${place.platform === undefined ? '' : ` for ${place.platform}`}`
      const summary = builtHere ? 'new step' : first
      return { kind: 'first-time', summary, details: step.ingredients.map(showIngredient) }
    }
    const record = this.#store.cache.peek(before.key) ?? this.#shared.peek(before.key)
    if (record !== undefined) return this.#difference(step, place, { record, before })
    if (before.title !== step.title) return { kind: 'instruction-changed', summary: wasLine(before), details: [] }
    return { kind: 'cache-dropped', summary: 'its record was pruned from the build cache', details: [] }
  }

  /** The layer that the step made in the last build. */
  layerBefore(step: Pick<BuiltStep, 'stage' | 'ordinal' | 'title'>): LayerRecord | undefined {
    const before = this.#counterpart(step)
    const record = before && this.#store.cache.peek(before.key)
    return record?.layerId === undefined ? undefined : this.#store.layers.byId(record.layerId)
  }

  /** The step of the last build that this one corresponds to: the same line, else the same place and instruction. */
  #counterpart(step: Pick<BuiltStep, 'stage' | 'ordinal' | 'title'>): BuiltStep | undefined {
    const sameStage = this.#previous.filter(({ stage }) => stage === step.stage)
    const keyword = keywordOf(step.title)
    const sameTitle = sameStage
      .filter(({ title }) => title === step.title)
      .sort((a, b) => Math.abs(a.ordinal - step.ordinal) - Math.abs(b.ordinal - step.ordinal))[0]
    return sameTitle ?? sameStage.find(({ ordinal, title }) => ordinal === step.ordinal && keywordOf(title) === keyword)
  }

  async #difference(
    step: ExplainedStep,
    place: StepPlace,
    { record, before }: { readonly record: CacheRecord | SharedStep; readonly before: BuiltStep },
  ): Promise<Reason> {
    const changes = ingredientChanges(record.ingredients, step.ingredients)
    const now = step.files ?? step.inputs
    const files = now === undefined ? [] : await this.#fileChanges(record, now)
    const details = [
      ...(before.title === step.title ? [] : [wasLine(before)]),
      ...files.map(fileLine),
      ...changes.filter(({ name }) => name !== 'files').map(changeLine),
    ]
    const rewritten = before.title !== step.title && step.kind !== 'run'
    const summary = [...filesSummary(files), ...(rewritten ? [wasLine(before)] : [])].join('; ')
    if (rewritten) return { kind: 'instruction-changed', summary, details }
    if (files.length > 0) return { kind: 'context-changed', summary, details }
    const own = changes.find(({ name }) => name !== 'parent')
    if (own !== undefined) return { kind: kindOf(own), summary: changeLine(own), details }
    if (changes.length > 0) return { ...this.#cause(step, place, before), details }
    return { kind: 'argument-changed', summary: 'the order of its variables changed', details }
  }

  async #fileChanges(
    record: CacheRecord | SharedStep,
    files: NonNullable<ExplainedStep['files']>,
  ): Promise<readonly TocChange[]> {
    const before = await this.#tableOf(record)
    if (before === undefined) return []
    const changes = tocChanges(before, files.toc)
    return withoutImplied(changes).map(({ path, how }) => ({ path: files.sourceName(path), how }))
  }

  /** What a step read, where that is noted, else what it wrote. */
  async #tableOf(record: CacheRecord | SharedStep): Promise<Toc | undefined> {
    const { key, kind } = record
    const { inputToc, layerId } = 'lastUsedAt' in record ? record : { inputToc: undefined, layerId: undefined }
    if (inputToc !== undefined)
      return this.#store.blobs.size(inputToc) === undefined ? undefined : this.#decoded(inputToc)
    const layer = layerId === undefined || kind === 'run' ? undefined : this.#store.layers.byId(layerId)
    if (layer !== undefined) return await this.#store.layers.toc(layer)
    return kind === 'run' ? undefined : await this.#shared.toc(key)
  }

  async #decoded(digest: Digest): Promise<Toc> {
    const chunks: Uint8Array[] = []
    for await (const chunk of this.#store.blobs.stream(digest)) chunks.push(chunk)
    return decodeToc(Buffer.concat(chunks))
  }

  /** Why the files below a step are others: the nearest step above that made others, else one that is gone, else FROM. */
  #cause(step: ExplainedStep, { key, ground, built }: StepPlace, before: BuiltStep): Pick<Reason, 'kind' | 'summary'> {
    const above = built.filter(other => other.stage === step.stage && other.key !== key)
    const pairs = above.map(now => ({ now, was: this.#counterpart(now) }))
    const changed = pairs.findLast(({ now, was }) => was === undefined || this.#madeOthers(now.key, was.key))
    if (changed !== undefined) return parentChanged(changed.now.title)
    const gone = this.#previous.findLast(
      was => was.stage === step.stage && was.ordinal < before.ordinal && !pairs.some(pair => pair.was === was),
    )
    if (gone !== undefined) return parentChanged(`${gone.title} is gone`)
    const moved = pairs.find(({ was }, index) => (was?.ordinal ?? 0) < (pairs[index - 1]?.was?.ordinal ?? 0))
    if (moved !== undefined) return parentChanged(`${moved.now.title} has another place`)
    return ground ?? parentChanged(step.above ?? 'of another stage')
  }

  /** Whether a step made other files than its counterpart in the last build. */
  #madeOthers(now: Digest, was: Digest): boolean {
    if (now === was) return this.#ran.has(now)
    return this.#madeBy(now) !== this.#madeBy(was)
  }

  #madeBy(key: Digest): string {
    const record = this.#store.cache.peek(key)
    if (record === undefined) return this.#shared.peek(key)?.contentId ?? key
    return record.layerId === undefined ? '' : (this.#store.layers.byId(record.layerId)?.contentId ?? key)
  }
}

function kindOf({ name, file }: IngredientChange): Reason['kind'] {
  if (name === 'files' || file !== undefined) return 'context-changed'
  return name === 'command' ? 'instruction-changed' : 'argument-changed'
}

/** ADD of a local file is COPY. */
function keywordOf(title: string): string {
  const keyword = title.split(' ', 1)[0]?.toUpperCase() ?? ''
  return keyword === 'ADD' ? 'COPY' : keyword
}

function parentChanged(what: string): Pick<Reason, 'kind' | 'summary'> {
  return { kind: 'parent-changed', summary: `files below it changed: ${what}` }
}

function wasLine({ title }: BuiltStep): string {
  return `instruction was: ${short(title)}`
}

/** Leaves out folders that came or went with something in them. */
function withoutImplied(changes: readonly TocChange[]): readonly TocChange[] {
  const parents = new Set(changes.map(({ path, how }) => `${how} ${path.slice(0, Math.max(0, path.lastIndexOf('/')))}`))
  return changes.filter(({ path, how }) => !parents.has(`${how} ${path}`))
}

/** Two are named, of more the first. */
function filesSummary(files: readonly TocChange[]): readonly string[] {
  const named = files.slice(0, files.length === 2 ? 2 : 1).map(fileLine)
  const more = files.length - named.length
  return files.length === 0 ? [] : [`${named.join(', ')}${more === 0 ? '' : ` and ${more} more`}`]
}

function fileLine({ path, how }: TocChange): string {
  return how === 'added' || how === 'removed' ? `${path} ${how}` : `${path} changed (${how})`
}
