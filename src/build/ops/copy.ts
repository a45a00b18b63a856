import { join } from 'node:path/posix'
import { IgnoreMatcher, ignorePatterns } from '../../dockerfile/ignore.ts'
import type { AddInstruction, CopyInstruction } from '../../dockerfile/instruction.ts'
import { type ByteString, baseName, fromByteString, parentPath, toByteString } from '../../layer/entry.ts'
import { lowerBound, type Toc } from '../../layer/toc.ts'
import { contentId } from '../../layer/toc-codec.ts'
import type { Digest } from '../../oci/digest.ts'
import { layeredView } from '../../rootfs/view.ts'
import type { Ingredient, LayerRecord } from '../../store/types.ts'
import type { BuildContext } from '../build-context.ts'
import { ContextSource } from '../context.ts'
import { matchSource } from '../copy/match.ts'
import { parseChmod } from '../copy/mode.ts'
import { type PlannedEntry, planCopy } from '../copy/plan.ts'
import { copyMemo, filesIngredient, recallCopy } from '../copy-memo.ts'
import { hashPlanned, type KnownDigests } from '../hash-files.ts'
import { keyedStep, type LayerResult } from '../keyed-step.ts'
import { packAhead } from '../pack-ahead.ts'
import type { StageState } from '../stage-state.ts'
import type { StepOutcome } from '../steps.ts'
import { fileOwner } from '../users.ts'
import { archiveIngredients, type SourceWord, unpackArchives } from './add-archive.ts'
import { sourcesOf } from './copy-sources.ts'
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
    const sources = await sourcesOf(context, instruction, at)
    const archives = unpacks(instruction) ? await archiveIngredients(context, sources) : undefined
    const outcome =
      archives === undefined
        ? await copyByContent(context, state, instruction, { sources, at })
        : await addByDigest(context, state, instruction, { sources, at, archives })
    const title = instruction.text
    const createdBy = `${instruction.keyword.toUpperCase()} ${argumentsOf(instruction)}`
    const times = archives === undefined && readsContext(instruction, sources) ? 'set' : 'clamp'
    const value = extend(state, outcome.value, times, { title, createdBy, ran: outcome.status === 'ran' })
    return { ...outcome, value }
  })
}

function argumentsOf({ text }: CopyInstruction | AddInstruction): string {
  return text.slice(text.indexOf(' ') + 1)
}

function unpacks(instruction: CopyInstruction | AddInstruction): boolean {
  return instruction.kind === 'add' && instruction.unpack !== false
}

/** Files of a context have the times of a checkout, which mean nothing. */
function readsContext(instruction: CopyInstruction | AddInstruction, sources: readonly SourceWord[]): boolean {
  if (instruction.kind === 'copy' && instruction.from === undefined) return true
  return instruction.kind === 'add' || sources.some(({ source }) => source instanceof ContextSource)
}

interface Sources {
  readonly sources: readonly SourceWord[]
  readonly at: StepPosition
}

/** Keyed on what the layer would hold, which costs tables of contents and digests, but writes nothing. */
async function copyByContent(
  context: BuildContext,
  state: StageState,
  instruction: CopyInstruction | AddInstruction,
  { sources, at }: Sources,
): Promise<StepOutcome<LayerResult>> {
  const scanned = await scanDirectories(sources)
  const owner = await ownerOf(context, state, instruction)
  const memo = await copyMemo(context, state, instruction, { sources, owner })
  const recalled = memo && recallCopy(context, memo, { ...at, kind: instruction.kind })
  if (recalled !== undefined) return takeUnplanned(context, state, instruction, { sources, at, ...recalled })
  if (context.exported.has(at.stageIndex)) context.blobs.prepare(scanned)
  const place = stepAt(at, state, instruction)
  const unread = await planUnread(context, state, instruction, sources)
  const known = knownOf(context, sources)
  const ahead = await packAhead({ ...context, known }, { ...place, stageIndex: at.stageIndex }, unread)
  try {
    const planned = ahead?.planned ?? hashPlanned(unread, known)
    const toc: Toc = ahead?.toc ?? { entries: planned.map(({ entry }) => entry) }
    const content = contentId(toc)
    if (memo?.isTrusted()) context.copies.learn(memo.key, content)
    const step = {
      ...place,
      ingredients: filesIngredient(content),
      files: { toc, sourceName: sourceNames(planned, toc) },
    }
    const outcome = await keyedStep(context, step, async () => {
      const record = await context.store.layers.add(context.lease, { toc })
      // At once: another platform may be waiting for this very layer.
      context.layers.setMaterials(record, planned)
      return record
    })
    const made = outcome.value.record
    if (made !== undefined) context.layers.setMaterials(made, planned)
    const record = made && ((await ahead?.keep(made)) ?? made)
    return { ...outcome, value: { ...outcome.value, record } }
  } catch (error) {
    await ahead?.abort()
    throw error
  }
}

/** Takes a layer from the cache that would hold the same, for the same files would go into it in the same way. */
async function takeUnplanned(
  context: BuildContext,
  state: StageState,
  instruction: CopyInstruction | AddInstruction,
  { sources, at, contentId, layer }: Sources & { readonly contentId: Digest; readonly layer: LayerRecord },
): Promise<StepOutcome<LayerResult>> {
  const plan = () => planFiles(context, state, instruction, sources)
  context.copies.setUnplanned(layer.id, async () => context.layers.setMaterials(layer, await plan()))
  const step = { ...stepAt(at, state, instruction), ingredients: filesIngredient(contentId) }
  return keyedStep(context, step, async () => {
    // Somebody has removed it in this very moment.
    const planned = await plan()
    const toc: Toc = { entries: planned.map(({ entry }) => entry) }
    const record = await context.store.layers.add(context.lease, { toc })
    context.layers.setMaterials(record, planned)
    return record
  })
}

/** Keyed on the archives' digests and what they are laid upon, so that a hit unpacks nothing. */
async function addByDigest(
  context: BuildContext,
  state: StageState,
  instruction: CopyInstruction | AddInstruction,
  { sources, at, archives }: Sources & { readonly archives: readonly Ingredient[] },
): Promise<StepOutcome<LayerResult>> {
  const { destination, chown = '', chmod = '', exclude, link } = instruction
  const how = JSON.stringify({ destination, chown, chmod, exclude, link, workdir: state.config.WorkingDir })
  const ingredients = [{ name: 'parent', value: state.chainId }, { name: 'arguments', value: how }, ...archives]
  const step = { ...stepAt(at, state, instruction), ingredients }
  return keyedStep(context, step, async () => {
    const planned = await planFiles(context, state, instruction, sources)
    const record = await context.store.layers.add(context.lease, {
      toc: { entries: planned.map(({ entry }) => entry) },
    })
    context.layers.setMaterials(record, planned)
    return record
  })
}

function stepAt(at: StepPosition, state: StageState, instruction: CopyInstruction | AddInstruction) {
  const { stage, ordinal } = at
  return { stage, ordinal, title: instruction.text, kind: instruction.kind, above: state.lastChange?.title }
}

async function ownerOf(context: BuildContext, { layers }: StageState, { chown }: CopyInstruction | AddInstruction) {
  if (chown === undefined) return undefined
  return fileOwner(chown, async path => {
    await context.copies.plan(layers)
    return context.layers.readFile(layers, path)
  })
}

/** Directories of the context that are going to be copied are read as a whole. Gives the bytes of files in them. */
async function scanDirectories(sources: readonly SourceWord[]): Promise<number> {
  let bytes = 0
  for (const { word, source } of sources) {
    if (!(source instanceof ContextSource)) continue
    for (const { path } of matchSource(source.view, word)) {
      if (source.view.lookup(path)?.kind === 'directory') bytes += (await source.scan(path)).size()
    }
  }
  return bytes
}

async function planFiles(
  context: BuildContext,
  state: StageState,
  instruction: CopyInstruction | AddInstruction,
  sources: readonly SourceWord[],
): Promise<readonly PlannedEntry[]> {
  return hashPlanned(await planUnread(context, state, instruction, sources), knownOf(context, sources))
}

/** The plan, digests only where they come with the source. */
async function planUnread(
  context: BuildContext,
  state: StageState,
  instruction: CopyInstruction | AddInstruction,
  sources: readonly SourceWord[],
): Promise<readonly PlannedEntry[]> {
  const { chmod, exclude, destination } = instruction
  const owner = await ownerOf(context, state, instruction)
  const request = {
    keyword: instruction.kind.toUpperCase(),
    target: instruction.link ? layeredView([]) : await context.layers.view(state.layers),
    sources: unpacks(instruction) ? await unpackArchives(context, sources) : sources,
    words: sources.length,
    destination,
    workdir: toByteString((state.config.WorkingDir ?? '/').slice(1)),
    owner,
    chmod: chmod === undefined || chmod === '' ? undefined : parseChmod(chmod),
    excluded: exclude.length === 0 ? undefined : excluder(exclude),
    parents: instruction.kind === 'copy' && instruction.parents,
    now: context.now,
  }
  return planCopy(request)
}

/** Digests of the files of the folder that is copied from. */
function knownOf(context: BuildContext, sources: readonly SourceWord[]): KnownDigests {
  const folder = sources.find(({ source }) => source instanceof ContextSource)?.source
  return folder instanceof ContextSource ? folder.known : context.known
}

function excluder(patterns: readonly string[]): (path: ByteString) => boolean {
  const matcher = new IgnoreMatcher(ignorePatterns(patterns), { bytes: true })
  return path => matcher.match(path).ignored
}

/**
 * What a destination path was called in the source, what people recognise. `planned` are the table's entries. What was
 * removed is named by what is beside it.
 */
function sourceNames(planned: readonly PlannedEntry[], toc: Toc): (path: string) => string {
  return path => {
    const bytes = toByteString(path)
    const found = planned[lowerBound(toc, bytes)]
    if (found?.entry.path === bytes && found.sourcePath !== undefined) return fromByteString(found.sourcePath)
    const folder = parentPath(bytes)
    const beside = siblings(planned, toc, folder).next().value
    return beside === undefined ? `/${path}` : join(fromByteString(parentPath(beside)), baseName(path))
  }
}

/** The source paths of what is directly in a folder. */
function* siblings(planned: readonly PlannedEntry[], toc: Toc, folder: ByteString): Generator<ByteString, undefined> {
  const prefix = folder === '' ? '' : `${folder}/`
  for (let i = lowerBound(toc, prefix); toc.entries[i]?.path.startsWith(prefix); i++) {
    const { entry, sourcePath } = planned[i] as PlannedEntry
    if (sourcePath !== undefined && parentPath(entry.path) === folder) yield sourcePath
  }
}
