import type { AddInstruction, CopyInstruction } from '../../dockerfile/instruction.ts'
import { ShaleError } from '../../error.ts'
import type { BuildContext } from '../build-context.ts'
import { inlineSource } from '../copy/inline-source.ts'
import type { CopySource } from '../copy/source.ts'
import { fromSource } from '../from.ts'
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
  const base = from === undefined ? context.source : (await fromSource(context, from, at)).source
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
