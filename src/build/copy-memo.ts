import { constants } from 'node:fs'
import type { AddInstruction, CopyInstruction } from '../dockerfile/instruction.ts'
import type { ByteString } from '../layer/entry.ts'
import { type Digest, sha256 } from '../oci/digest.ts'
import type { FileStat } from '../store/file-stat.ts'
import type { LayerRecord } from '../store/types.ts'
import { type BuildContext, withoutCache } from './build-context.ts'
import { matchSource } from './copy/match.ts'
import { stepKey } from './key.ts'
import type { SourceWord } from './ops/add-archive.ts'
import type { StageState } from './stage-state.ts'

/** Changes when COPY makes something else of the same files, so that what was noted before is no longer found. */
const VERSION = 2

/** Stands for all that decides what a COPY from the context makes, files by their stats instead of their content. */
export interface CopyMemo {
  readonly key: Digest
  /** False when a file may yet change without its stat showing it: then nothing may be noted under the key. */
  isTrusted(): boolean
}

type Instruction = CopyInstruction | AddInstruction

/**
 * Undefined for a COPY that has to be planned: one that reads anything but the context, --parents (which also reads the
 * directories above), an ADD that names files (which may be archives), and any with SOURCE_DATE_EPOCH (whose layers are
 * packed anew, from the files). `owner` is the one that --chown gives.
 */
export async function copyMemo(
  context: BuildContext,
  state: StageState,
  instruction: Instruction,
  {
    sources,
    owner,
  }: {
    readonly sources: readonly SourceWord[]
    readonly owner: { readonly uid: number; readonly gid: number } | undefined
  },
): Promise<CopyMemo | undefined> {
  if (context.options.sourceDateEpoch !== undefined) return undefined
  if (instruction.kind === 'copy' && instruction.parents) return undefined
  const found: (readonly (readonly [name: ByteString, path: ByteString, what: string])[])[] = []
  const checks: ((trusts: (stat: FileStat) => boolean) => boolean)[] = []
  for (const { word, source } of sources) {
    if (source !== context.source) return undefined
    const matches: (readonly [ByteString, ByteString, string])[] = []
    for (const { name, path } of matchSource(source.view, word)) {
      const stat = context.source.stat(path)
      if (stat === undefined) return undefined
      if (stat.type === constants.S_IFDIR) {
        const table = await context.source.scan(path)
        matches.push([name, path, table.fingerprint()])
        checks.push(trusts => table.every(trusts))
      } else if (instruction.kind === 'add') return undefined
      else {
        matches.push([name, path, String(stat)])
        checks.push(trusts => trusts(stat))
      }
    }
    found.push(matches)
  }
  if (found.every(matches => matches.length === 0)) return undefined
  const { destination, chmod = '', exclude, link } = instruction
  const modes = context.options.contextModes === 'git' ? ['git'] : []
  const upon = link ? '' : state.chainId
  const parts = [
    VERSION,
    upon,
    state.config.WorkingDir ?? '/',
    destination,
    owner,
    chmod,
    exclude,
    link,
    found,
    ...modes,
  ]
  const isTrusted = () => checks.every(check => check(stat => context.known.trusts(stat)))
  return { key: sha256(JSON.stringify(parts)), isTrusted }
}

/** What the memo's step is keyed on, and its layer; undefined when that is not known, or not there as it is needed. */
export function recallCopy(
  context: BuildContext,
  { key }: CopyMemo,
  step: { readonly kind: string; readonly stage: string; readonly stageIndex: number },
): { readonly contentId: Digest; readonly layer: LayerRecord } | undefined {
  const { store } = context
  const contentId = withoutCache(context, step.stage) ? undefined : context.copies.find(key)
  if (contentId === undefined) return undefined
  const record = store.cache.peek(stepKey(step.kind, filesIngredient(contentId)))
  const layer = record?.layerId === undefined ? undefined : store.layers.byId(record.layerId)
  const usable = layer !== undefined && hasForm(context, layer, context.exported.has(step.stageIndex))
  return usable ? { contentId, layer } : undefined
}

/** What a COPY is keyed on. */
export function filesIngredient(contentId: Digest) {
  return [{ name: 'files', value: contentId }]
}

/** Without a plan nobody knows where the files are: so the form that the build needs must be there. */
function hasForm({ store, blobs }: BuildContext, layer: LayerRecord, exported: boolean): boolean {
  return exported ? blobs.stored(layer) !== undefined : store.trees.find(layer.tocDigest) !== undefined
}
