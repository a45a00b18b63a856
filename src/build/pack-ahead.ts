import { ShaleError } from '../error.ts'
import type { Content } from '../layer/content.ts'
import type { FileEntry } from '../layer/entry.ts'
import type { Toc } from '../layer/toc.ts'
import type { FileStat } from '../store/file-stat.ts'
import type { LayerRecord } from '../store/types.ts'
import { type BuildContext, withoutCache } from './build-context.ts'
import type { PlannedEntry } from './copy/plan.ts'
import type { Origin } from './copy/source.ts'
import type { PackedAhead } from './layer-blobs.ts'

/** With fewer bytes to read, reading them twice costs next to nothing. */
const WORTHWHILE = 8 * 1024 * 1024

export interface PackedPlan {
  /** The plan with every file's digest. */
  readonly planned: readonly PlannedEntry[]
  /** Its entries. */
  readonly toc: Toc
  /** Makes the blob that of the layer, unless it has one. */
  readonly keep: (record: LayerRecord) => Promise<LayerRecord>
  readonly abort: () => Promise<void>
}

/** The step of a COPY, and the stage that it belongs to. */
interface CopyPlace {
  readonly stage: string
  readonly stageIndex: number
  readonly ordinal: number
  readonly title: string
}

/**
 * Packs the layer of a COPY before its key is known: files that nobody has read before are read once, not for the key
 * first and again for the blob. Undefined where that does not pay: the layer may be in the cache, or most is known.
 */
export async function packAhead(
  context: BuildContext,
  place: CopyPlace,
  planned: readonly PlannedEntry[],
): Promise<PackedPlan | undefined> {
  if (!willRun(context, place)) return undefined
  const found = planned.map(item => withKnownDigest(item, context))
  if (unreadBytes(found) < WORTHWHILE) return undefined
  const packed = await pack(context, found)
  if (packed === undefined) return undefined
  const { toc, keep, abort } = packed
  const digested = found.map((item, index) => withDigest(item, toc.entries[index] as FileEntry, context))
  return { planned: digested, toc, keep, abort }
}

/** As far as can be told before the key: a step that the last build had is likely to be found in the cache. */
function willRun(context: BuildContext, place: CopyPlace): boolean {
  if (context.options.sourceDateEpoch !== undefined || !context.exported.has(place.stageIndex)) return false
  if (withoutCache(context, place.stage)) return true
  return !context.cacheFrom.isNamed && context.explainer.layerBefore(place) === undefined
}

function withKnownDigest(item: PlannedEntry, { known }: BuildContext): PlannedEntry {
  const { entry, origin, sourcePath = '' } = item
  if (!isUnread(item) || entry.kind !== 'file' || origin?.kind !== 'host' || origin.stat === undefined) return item
  const digest = known.find(sourcePath, origin.stat)
  return digest === undefined ? item : { ...item, entry: { ...entry, digest } }
}

function isUnread({ entry }: PlannedEntry): boolean {
  return entry.kind === 'file' && entry.digest === ''
}

/** 0 when a file is in no folder of this machine. */
function unreadBytes(planned: readonly PlannedEntry[]): number {
  let bytes = 0
  for (const item of planned) {
    if (item.origin?.kind === 'layer') return 0
    if (isUnread(item) && item.entry.kind === 'file') bytes += item.entry.size
  }
  return bytes
}

async function pack(
  { blobs, signal }: BuildContext,
  planned: readonly PlannedEntry[],
): Promise<PackedAhead | undefined> {
  const origins = new Map(planned.map(({ entry, origin }) => [entry.path, origin]))
  try {
    const toc = { entries: planned.map(({ entry }) => entry) }
    return await blobs.packAhead(toc, ({ path }) => contentOf(origins.get(path)), signal)
  } catch (error) {
    // Whoever reads the files alone meets the same, and names them as the context does.
    if (error instanceof ShaleError && /^FILE_(?:CHANGED|UNREADABLE)$/.test(error.code)) return undefined
    throw error
  }
}

function contentOf(origin: Origin | undefined): Content {
  if (origin?.kind === 'inline') return origin.data
  if (origin?.kind !== 'host') throw new Error('a file without an origin')
  const { path, stat } = origin
  return { path, ...(stat !== undefined && { ctimeNs: changeTime(stat) }) }
}

/** In ns since 1970. */
function changeTime({ ctime, ctimeNs }: FileStat): bigint {
  return BigInt(ctime) * 1_000_000_000n + BigInt(ctimeNs)
}

function withDigest(item: PlannedEntry, packed: FileEntry, { known }: BuildContext): PlannedEntry {
  const { origin, sourcePath = '' } = item
  if (!isUnread(item)) return item
  if (origin?.kind === 'host' && origin.stat !== undefined) known.learn(sourcePath, origin.stat, packed.digest)
  return { ...item, entry: packed }
}
