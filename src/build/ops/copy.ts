import { IgnoreMatcher, ignorePatterns } from '../../dockerfile/ignore.ts'
import type { AddInstruction, CopyInstruction } from '../../dockerfile/instruction.ts'
import { ShaleError } from '../../error.ts'
import { type ByteString, fromByteString, toByteString } from '../../layer/entry.ts'
import type { Toc } from '../../layer/toc.ts'
import { contentId } from '../../layer/toc-codec.ts'
import { layeredView } from '../../rootfs/view.ts'
import type { BuildContext } from '../build-context.ts'
import { chainSource } from '../copy/chain-source.ts'
import { inlineSource } from '../copy/inline-source.ts'
import { parseChmod } from '../copy/mode.ts'
import { type PlannedEntry, planCopy } from '../copy/plan.ts'
import type { CopySource } from '../copy/source.ts'
import { hashPlanned } from '../hash-files.ts'
import { keyedStep } from '../keyed-step.ts'
import { findStage } from '../plan.ts'
import type { StageState } from '../stage-state.ts'
import { fileOwner } from '../users.ts'
import { unpackArchives } from './add-archive.ts'
import { extend } from './extend.ts'
import type { StepPosition } from './step-position.ts'

/** Copies files from the context, a stage, an image or the Dockerfile itself. */
export async function copyStep(
  context: BuildContext,
  state: StageState,
  instruction: CopyInstruction | AddInstruction,
  at: StepPosition,
): Promise<StageState> {
  return context.steps.run(at.info, context.signal, async () => {
    const { planned, fromContext } = await planFiles(context, state, instruction, at)
    const toc: Toc = { entries: planned.map(({ entry }) => entry) }
    const title = instruction.text
    const step = {
      stage: at.stage,
      ordinal: at.ordinal,
      title,
      kind: 'copy',
      ingredients: [{ name: 'files', value: contentId(toc) }],
      files: { toc, sourceName: sourceNames(planned) },
      above: state.lastChange?.title,
    }
    const outcome = await keyedStep(context, step, () => context.store.layers.add(context.lease, { toc }))
    const { record } = outcome.value
    if (record !== undefined) context.layers.setMaterials(record, planned)
    const createdBy = `${instruction.keyword.toUpperCase()} ${argumentsOf(instruction)}`
    const times = fromContext ? 'set' : 'clamp'
    const value = extend(state, outcome.value, times, { title, createdBy, ran: outcome.status === 'ran' })
    return { ...outcome, value }
  })
}

function argumentsOf({ text }: CopyInstruction | AddInstruction): string {
  return text.slice(text.indexOf(' ') + 1)
}

interface PlannedFiles {
  readonly planned: readonly PlannedEntry[]
  /** The times are those of a checkout, which mean nothing. */
  readonly fromContext: boolean
}

async function planFiles(
  context: BuildContext,
  state: StageState,
  instruction: CopyInstruction | AddInstruction,
  at: StepPosition,
): Promise<PlannedFiles> {
  const from = instruction.kind === 'copy' ? instruction.from : undefined
  if (from === undefined) rejectRemote(instruction)
  const base = from === undefined ? context.source : await stageSource(context, from, at)
  const target = instruction.link ? layeredView([]) : await context.layers.view(state.layers)
  const { chown, exclude } = instruction
  const owner =
    chown === undefined ? undefined : await fileOwner(chown, path => context.layers.readFile(state.layers, path))
  const chmod = instruction.chmod === undefined || instruction.chmod === '' ? undefined : parseChmod(instruction.chmod)
  const request = {
    keyword: instruction.kind.toUpperCase(),
    target,
    destination: instruction.destination,
    workdir: toByteString((state.config.WorkingDir ?? '/').slice(1)),
    owner,
    chmod,
    excluded: exclude.length === 0 ? undefined : excluder(exclude),
    parents: instruction.kind === 'copy' && instruction.parents,
    now: context.now,
  }
  const sources = instruction.order.map(source =>
    source.kind === 'path'
      ? { word: source.path, source: base }
      : { word: source.heredoc.name, source: heredocSource(source.heredoc, context.now) },
  )
  const unpacks = instruction.kind === 'add' && instruction.unpack !== false
  const unpacked = unpacks ? await unpackArchives(context, sources) : sources
  return {
    planned: hashPlanned(planCopy({ ...request, sources: unpacked, words: sources.length }), context.known),
    fromContext: from === undefined,
  }
}

function rejectRemote({ order, kind }: CopyInstruction | AddInstruction): void {
  const remote = order.find(
    source => source.kind === 'path' && /^(?:https?:\/\/|git@|git:\/\/|ssh:\/\/)/.test(source.path),
  )
  if (remote?.kind !== 'path') return
  if (kind === 'copy')
    throw new ShaleError('COPY_URL', `source can't be a URL for COPY`, { hint: 'use ADD, or RUN with curl' })
  throw new ShaleError(
    'ADD_REMOTE_UNSUPPORTED',
    `ADD ${remote.path}: remote sources are not supported by this version of Shale`,
    {
      hint: 'download it in a RUN step, or put the file into the build context',
    },
  )
}

function heredocSource(
  heredoc: { readonly name: string; readonly content: string; readonly chomp: boolean },
  now: number,
): CopySource {
  // The parser has taken the tabs off where <<- asked for it.
  return inlineSource(heredoc.name, Buffer.from(heredoc.content, 'utf8'), now)
}

async function stageSource(context: BuildContext, from: string, at: StepPosition): Promise<CopySource> {
  const { plan, layers } = context
  const index = findStage(plan.dockerfile, from)
  const platform = plan.stages[at.stageIndex]?.platform ?? context.options.platform
  if (index === undefined && platform === undefined) throw new Error('a stage has a platform')
  const state =
    index === undefined
      ? await context.image(from, platform as NonNullable<typeof platform>)
      : await context.stage(index)
  return chainSource(state.layers, await layers.view(state.layers), from)
}

function excluder(patterns: readonly string[]): (path: ByteString) => boolean {
  const matcher = new IgnoreMatcher(ignorePatterns(patterns), { bytes: true })
  return path => matcher.match(path).ignored
}

/** What a destination path was called in the source: what people recognise. */
function sourceNames(planned: readonly PlannedEntry[]): (path: string) => string {
  const names = new Map(
    planned.flatMap(({ entry, sourcePath }) =>
      sourcePath === undefined ? [] : [[fromByteString(entry.path), fromByteString(sourcePath)] as const],
    ),
  )
  return path => names.get(path) ?? `/${path}`
}
