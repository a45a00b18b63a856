import { type ByteString, comparePaths, type Entry } from '../../layer/entry.ts'
import type { Lease, Store } from '../../store/types.ts'
import { chainSource } from '../copy/chain-source.ts'
import type { PlannedEntry } from '../copy/plan.ts'
import { below, type CopySource } from '../copy/source.ts'
import type { LayerBlobs } from '../layer-blobs.ts'
import type { LayerWork } from '../layer-work.ts'
import type { PlatformBuild } from '../platform-build.ts'
import type { ChainLayer, StageState } from '../stage-state.ts'

interface FlatTar {
  /** Must not exist. */
  readonly out: string
  /** Everything is below it. */
  readonly prefix: ByteString
  /** SOURCE_DATE_EPOCH: no time is later. */
  readonly epoch?: number | undefined
}

/** What the files of a chain are read with. */
export interface ChainReading {
  readonly store: Store
  readonly lease: Lease
  readonly layers: LayerWork
  readonly blobs: LayerBlobs
}

/** Writes everything that a stage shows as one plain tar to `out`, below `prefix` if that is not empty. */
export async function writeFlatTar(
  { context }: PlatformBuild,
  { layers: chain }: StageState,
  where: Omit<FlatTar, 'epoch'>,
): Promise<void> {
  await context.copies.plan(chain)
  await writeChainTar(context, chain, { ...where, epoch: context.options.sourceDateEpoch })
}

/** The same of any chain whose layers can be had. */
export async function writeChainTar(
  { store, lease, layers, blobs }: ChainReading,
  chain: readonly ChainLayer[],
  { out, prefix, epoch }: FlatTar,
): Promise<void> {
  const source = chainSource(chain, await layers.view(chain), 'the image')
  const planned = flatten(source, prefix, epoch)
  const toc = { entries: planned.map(({ entry }) => entry) }
  const record = await store.layers.add(lease, { toc })
  await blobs.writePlain(record, await layers.sourcesOf(toc, planned), out)
}

/** All entries in order of paths; of the names of one file the first is the file. */
function flatten(source: CopySource, prefix: ByteString, epoch: number | undefined): readonly PlannedEntry[] {
  const planned: PlannedEntry[] = []
  const place = (entry: Entry, path: ByteString): Entry => {
    const late = epoch !== undefined && entry.mtime >= epoch
    return { ...entry, path: below(prefix, path), ...(late && { mtime: epoch, mtimeNs: 0 }) }
  }
  const pending: ByteString[] = ['']
  const groups = new Map<string, ByteString[]>()
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    for (const { path, entry, origin, group } of source.nodes(directory)) {
      if (entry.kind === 'directory') {
        pending.push(path)
        const { opaque: _, ...plain } = entry
        planned.push({ entry: place(plain, path) })
      } else planned.push({ entry: place(entry, path), origin, sourcePath: path })
      if (entry.kind === 'file' && group !== undefined) {
        const names = groups.get(group) ?? []
        names.push(below(prefix, path))
        groups.set(group, names)
      }
    }
  }
  const first = new Map<ByteString, ByteString>()
  for (const names of groups.values()) {
    const [target, ...others] = names.sort(comparePaths)
    for (const name of others) first.set(name, target as ByteString)
  }
  return planned.map(item => linked(item, first)).sort((a, b) => comparePaths(a.entry.path, b.entry.path))
}

function linked(item: PlannedEntry, first: ReadonlyMap<ByteString, ByteString>): PlannedEntry {
  const { entry } = item
  const target = first.get(entry.path)
  if (target === undefined || entry.kind !== 'file') return item
  const { size: _size, digest: _digest, ...common } = entry
  return { entry: { ...common, kind: 'hardlink', target } }
}
