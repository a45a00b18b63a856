import { ShaleError } from '../error.ts'
import type { BuildContext } from './build-context.ts'
import { chainSource } from './copy/chain-source.ts'
import type { CopySource } from './copy/source.ts'
import type { StepPosition } from './ops/step-position.ts'
import { findStage, mayBeStage, nearestStage, type PlannedStage } from './plan.ts'
import type { ChainLayer, StageState } from './stage-state.ts'

/** What a `from=` names. */
export interface FromSource {
  readonly source: CopySource
  /** The layers that its files are in, where it has any. */
  readonly layers?: readonly ChainLayer[] | undefined
}

/** A stage when it is finished, else a named context, else an image, as `from` names it. */
export async function fromSource(context: BuildContext, from: string, at: StepPosition): Promise<FromSource> {
  const { plan, layers, contexts } = context
  const index = findStage(plan.dockerfile, from)
  if (index === undefined && contexts.has(from)) {
    return { source: await contexts.source(from, (plan.stages[at.stageIndex] as PlannedStage).platform) }
  }
  const state = await (index === undefined ? imageNamed(context, from, at) : context.stage(index, at.stageIndex))
  return { source: chainSource(state.layers, await layers.view(state.layers), from), layers: state.layers }
}

/** What is no stage is an image; when there is none either, the name may be a mistyped stage. */
async function imageNamed({ plan, image }: BuildContext, from: string, at: StepPosition): Promise<StageState> {
  const { platform } = plan.stages[at.stageIndex] as PlannedStage
  try {
    return await image(from, platform)
  } catch (error) {
    if (!mayBeStage(from) || !(error instanceof ShaleError)) throw error
    const near = nearestStage(plan.dockerfile, from)
    const message = `--from=${from}: no stage has this name, and there is no such image: ${error.message}`
    throw new ShaleError(error.code, message, {
      cause: error,
      hint: near === undefined ? error.hint : `did you mean --from=${near}?`,
    })
  }
}
