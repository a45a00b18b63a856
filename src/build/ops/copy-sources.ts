import type { AddInstruction, CopyInstruction } from '../../dockerfile/instruction.ts'
import { ShaleError } from '../../error.ts'
import type { BuildContext } from '../build-context.ts'
import { chainSource } from '../copy/chain-source.ts'
import { inlineSource } from '../copy/inline-source.ts'
import type { CopySource } from '../copy/source.ts'
import { findStage, mayBeStage, nearestStage, type PlannedStage } from '../plan.ts'
import type { StageState } from '../stage-state.ts'
import { refuseUnsupported } from '../supported.ts'
import type { SourceWord } from './add-archive.ts'
import type { StepPosition } from './step-position.ts'

/** What each source of a COPY or ADD reads from. */
export async function sourcesOf(
  context: BuildContext,
  instruction: CopyInstruction | AddInstruction,
  at: StepPosition,
): Promise<readonly SourceWord[]> {
  const from = instruction.kind === 'copy' ? instruction.from : undefined
  // Again, for what variables and ONBUILD triggers brought.
  refuseUnsupported(instruction)
  if (instruction.kind === 'add') rejectChecksum(instruction)
  const base = from === undefined ? context.source : await stageSource(context, from, at)
  return instruction.order.map(source =>
    source.kind === 'path'
      ? { word: source.path, source: base }
      : { word: source.heredoc.name, source: heredocSource(source.heredoc, context.now) },
  )
}

/** Remote sources were refused before, so what is left is local. */
function rejectChecksum({ checksum }: AddInstruction): void {
  if (checksum === undefined || checksum === '') return
  throw new ShaleError('ADD_CHECKSUM', 'checksum requires HTTP(S) or Git sources', {
    hint: 'leave --checksum out: files of the context are known by their content',
  })
}

function heredocSource(
  heredoc: { readonly name: string; readonly content: string; readonly chomp: boolean },
  now: number,
): CopySource {
  // The parser has taken the tabs off where <<- asked for it.
  return inlineSource(heredoc.name, Buffer.from(heredoc.content, 'utf8'), now)
}

async function stageSource(context: BuildContext, from: string, at: StepPosition): Promise<CopySource> {
  const { plan, layers, contexts } = context
  const index = findStage(plan.dockerfile, from)
  if (index === undefined && contexts.has(from)) {
    return contexts.source(from, (plan.stages[at.stageIndex] as PlannedStage).platform)
  }
  const state = await (index === undefined ? imageNamed(context, from, at) : context.stage(index, at.stageIndex))
  return chainSource(state.layers, await layers.view(state.layers), from)
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
