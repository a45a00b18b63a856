import { encodeToc } from '../layer/toc-codec.ts'
import type { Digest } from '../oci/digest.ts'
import { formatPlatform } from '../oci/platform.ts'
import type { LayerRecord } from '../store/types.ts'
import { type BuildContext, withoutCache } from './build-context.ts'
import type { Reason } from './events.ts'
import type { ExplainedStep, StepPlace } from './explain.ts'
import { stepKey } from './key.ts'
import type { StepOutcome } from './steps.ts'

/** What a keyed step gives: the layer that it makes, and when that was. */
export interface LayerResult {
  /** Undefined when the step changes no file. */
  readonly record: LayerRecord | undefined
  /** Of the record of the step, if there is one. */
  readonly key?: Digest | undefined
  /** Milliseconds since 1970; of the first time, when it comes from the cache. */
  readonly createdAt: number
}

/**
 * Looks a step up in the cache by its ingredients, or executes and records it. The two questions stay apart: the key is
 * whole before anything runs.
 */
export async function keyedStep(
  context: BuildContext,
  step: ExplainedStep,
  execute: () => Promise<LayerRecord | undefined>,
): Promise<StepOutcome<LayerResult>> {
  const { steps } = context
  const key = stepKey(step.kind, step.ingredients)
  steps.record({ stage: step.stage, ordinal: step.ordinal, title: step.title, key })
  // Another platform, or another stage, may be making the very same.
  while (context.running.has(key)) await context.running.get(key)
  const done = Promise.withResolvers<void>()
  context.running.set(key, done.promise)
  try {
    return await findOrRun(context, step, key, execute)
  } finally {
    context.running.delete(key)
    done.resolve()
  }
}

async function findOrRun(
  context: BuildContext,
  step: ExplainedStep,
  key: Digest,
  execute: () => Promise<LayerRecord | undefined>,
): Promise<StepOutcome<LayerResult>> {
  const bypass = withoutCache(context, step.stage)
  const { hit, dropped } = bypass ? NOT_ASKED : await context.cacheFrom.find(key, step.files !== undefined)
  if (hit === undefined) return runStep(context, step, { key, bypass, dropped }, execute)
  const { record, layer } = hit
  const value = { record: layer, key, createdAt: record.createdAt }
  return { value, status: 'cached', reason: context.explainer.hit(record) }
}

async function runStep(
  context: BuildContext,
  step: ExplainedStep,
  { key, bypass, dropped }: { readonly key: Digest; readonly bypass: boolean; readonly dropped: boolean },
  execute: () => Promise<LayerRecord | undefined>,
): Promise<StepOutcome<LayerResult>> {
  const { store, lease, explainer, steps } = context
  const { platform } = context.options
  const place = {
    key,
    platform: platform === undefined ? undefined : formatPlatform(platform),
    ground: groundOf(context, step.stage),
    built: steps.built,
  }
  const reason: Reason = bypass ? NO_CACHE : await explainer.miss(step, place, dropped)
  const createdAt = Date.now()
  const made = await execute()
  const durationMs = Date.now() - createdAt
  const { title, kind, ingredients, inputs } = step
  const inputToc = inputs && (await store.blobs.put(lease, encodeToc(inputs.toc))).digest
  store.cache.put(lease, { key, title, kind, ingredients, inputToc, layerId: made?.id, createdAt, durationMs })
  if (made !== undefined) context.blobs.setEarlier(made, explainer.layerBefore(step))
  return { value: { record: made, key, createdAt }, status: 'ran', reason }
}

const NOT_ASKED = { hit: undefined, dropped: false }

const NO_CACHE: Reason = { kind: 'no-cache', summary: 'asked to build without the cache', details: [] }

/** What a stage stands on, as the reason for running a step anew when that has changed. */
function groundOf({ plan }: BuildContext, label: string): StepPlace['ground'] {
  const base = plan.stages.find(stage => stage.label === label)?.base
  if (base?.kind === 'image') return { kind: 'base-changed', summary: `the base image changed: ${base.name}` }
  if (base?.kind !== 'stage') return undefined
  return { kind: 'parent-changed', summary: `files below it changed: stage ${plan.stages[base.index]?.label}` }
}
