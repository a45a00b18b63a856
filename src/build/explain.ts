import type { Toc } from '../layer/toc.ts'
import type { BuiltStep, CacheRecord, Ingredient, Store } from '../store/types.ts'
import type { Reason } from './events.ts'
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
  /** The step above that changed files in this build. */
  readonly above?: string | undefined
}

/** Answers why a step ran, from the records of the build before. */
export class Explainer {
  readonly #store: Store
  readonly #previous: readonly BuiltStep[]

  constructor(store: Store, lineage: string) {
    this.#store = store
    this.#previous = store.cache.lastBuild(lineage)
  }

  /** The step of the last build that this one corresponds to: the same line, else the same place and instruction. */
  #counterpart(step: ExplainedStep): BuiltStep | undefined {
    const sameStage = this.#previous.filter(({ stage }) => stage === step.stage)
    const keyword = step.title.split(' ', 1)[0]
    const sameTitle = sameStage
      .filter(({ title }) => title === step.title)
      .sort((a, b) => Math.abs(a.ordinal - step.ordinal) - Math.abs(b.ordinal - step.ordinal))[0]
    return (
      sameTitle ??
      sameStage.find(({ ordinal, title }) => ordinal === step.ordinal && title.split(' ', 1)[0] === keyword)
    )
  }

  hit(record: CacheRecord): Reason {
    const saved = record.durationMs < 1000 ? '' : `, saves ${(record.durationMs / 1000).toFixed(1)}s`
    const summary = `same inputs as on ${new Date(record.createdAt).toISOString().slice(0, 16).replace('T', ' ')}${saved}`
    return { kind: 'hit', summary, details: record.ingredients.map(show) }
  }

  /** `dropped`: a record with this very key is there, but its files are not any more. */
  async miss(step: ExplainedStep, dropped: boolean): Promise<Reason> {
    if (dropped) return { kind: 'cache-dropped', summary: 'the cached files of this step were removed', details: [] }
    const before = this.#counterpart(step)
    if (before === undefined) {
      const summary = this.#previous.length === 0 ? 'first build here' : 'new step'
      return { kind: 'first-time', summary, details: step.ingredients.map(show) }
    }
    const record = this.#store.cache.list().find(({ key }) => key === before.key)
    if (record === undefined) {
      return { kind: 'cache-dropped', summary: 'its record was pruned from the build cache', details: [] }
    }
    return this.#difference(step, record, before)
  }

  async #difference(step: ExplainedStep, record: CacheRecord, before: BuiltStep): Promise<Reason> {
    const changes = ingredientChanges(record.ingredients, step.ingredients)
    const files = step.files === undefined ? [] : await this.#fileChanges(record, step.files)
    const details = [
      ...(before.title === step.title ? [] : [`instruction was: ${before.title}`]),
      ...files.map(({ path, how }) => fileLine(path, how)),
      ...changes.filter(({ name }) => name !== 'files').map(changeLine),
    ]
    if (files.length > 0) return { kind: 'context-changed', summary: filesSummary(files), details }
    if (changes.length === 0) return { kind: 'cache-dropped', summary: 'its cached result was replaced', details }
    return { ...classify(changes, step), details }
  }

  async #fileChanges(record: CacheRecord, files: NonNullable<ExplainedStep['files']>): Promise<readonly TocChange[]> {
    const layer = record.layerId === undefined ? undefined : this.#store.layers.byId(record.layerId)
    if (layer === undefined) return []
    const changes = tocChanges(await this.#store.layers.toc(layer), files.toc)
    return changes.map(({ path, how }) => ({ path: files.sourceName(path), how }))
  }
}

interface IngredientChange {
  readonly name: string
  readonly before: string | undefined
  readonly after: string | undefined
}

function ingredientChanges(before: readonly Ingredient[], after: readonly Ingredient[]): readonly IngredientChange[] {
  const old = new Map(before.map(({ name, value }) => [name, value]))
  const now = new Map(after.map(({ name, value }) => [name, value]))
  return [...new Set([...old.keys(), ...now.keys()])]
    .map(name => ({ name, before: old.get(name), after: now.get(name) }))
    .filter(change => change.before !== change.after)
}

/** The most telling change names the reason: what the user wrote comes before what follows from it. */
function classify(changes: readonly IngredientChange[], step: ExplainedStep): Omit<Reason, 'details'> {
  const own = changes.find(({ name }) => name !== 'parent' && name !== 'base')
  if (own !== undefined) {
    const kind = own.name === 'command' ? 'instruction-changed' : 'argument-changed'
    return { kind, summary: changeLine(own) }
  }
  const base = changes.find(({ name }) => name === 'base')
  if (step.above === undefined && base !== undefined) return { kind: 'base-changed', summary: changeLine(base) }
  if (step.above === undefined) return { kind: 'base-changed', summary: 'the base image changed' }
  return { kind: 'parent-changed', summary: `files below it changed: ${step.above}` }
}

function filesSummary(files: readonly TocChange[]): string {
  const [first] = files as [TocChange]
  const more = files.length - 1
  return `${fileLine(first.path, first.how)}${more === 0 ? '' : ` and ${more} more`}`
}

function fileLine(path: string, how: string): string {
  return how === 'added' || how === 'removed' ? `${path} ${how}` : `${path} changed (${how})`
}

function changeLine({ name, before, after }: IngredientChange): string {
  if (before === undefined) return `${name} is new: ${short(after ?? '')}`
  if (after === undefined) return `${name} is gone, was ${short(before)}`
  return `${name} changed from ${short(before)} to ${short(after)}`
}

function show({ name, value }: Ingredient): string {
  return `${name} = ${short(value)}`
}

function short(value: string): string {
  const text = /^sha256:[0-9a-f]{64}$/.test(value) ? value.slice(0, 19) : value
  return text.length > 160 ? `${text.slice(0, 157)}...` : text
}
