import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { mustRun } from '../../scripts/bases/process.ts'
import type { CacheState } from '../cases.ts'
import { largeContext, treeContext } from '../contexts/contexts.ts'
import { ready } from '../machine.ts'

/** Seconds of work that no program which does the case's job can avoid, by what it is; the sum is the floor. */
export type Floor = Readonly<Record<string, number>>

type Measure = (files: number, cache: CacheState, work: string) => Promise<Floor>

const PACK = ['walk', 'prepare', 'read', 'hash', 'compress', 'write']

/**
 * Floors by case; a case without one has nothing but our own work in it. File work is done by a program of its own
 * (pack.ts) that does nothing else, its parts one after the other and each over all cores, after the page cache was
 * made ready as for the case. Its digests are two: of every file and of the layer.
 */
const FLOORS: Readonly<Record<string, Measure>> = {
  first: async (files, cache, work) => packing(await treeContext(files), cache, work, 'zstd', PACK),
  gzip: async (files, cache, work) => packing(await treeContext(files), cache, work, 'gzip', PACK),
  large: async (_, cache, work) => packing(await largeContext(50), cache, work, 'zstd', PACK),
  unchanged: async (files, cache, work) => packing(await treeContext(files), cache, work, 'zstd', ['walk']),
  'one-changed': async (files, cache, work) => packing(await treeContext(files), cache, work, 'zstd', ['walk']),
  load: async (files, cache, work) =>
    packing(await treeContext(files), cache, work, 'zstd', ['walk', 'prepare', 'read', 'hash', 'unpack']).then(
      ({ walk: _, ...floor }) => floor,
    ),
  project: async () => ({ node: await nodeStart(), sandboxes: 4 * (await sandbox()) }),
  'project-unchanged': async () => ({ node: await nodeStart() }),
  step: async () => ({ sandbox: await sandbox() }),
  run: async () => ({ node: await nodeStart(), sandbox: await sandbox() }),
  version: async () => ({ node: await nodeStart() }),
  images: async () => ({ node: await nodeStart() }),
}

export async function floorOf(
  name: string,
  files: number,
  cache: CacheState,
  work: string,
): Promise<Floor | undefined> {
  return FLOORS[name]?.(files, cache, work)
}

async function packing(
  context: string,
  cache: CacheState,
  work: string,
  compression: string,
  phases: readonly string[],
): Promise<Floor> {
  const out = await mkdtemp(join(work, 'floor-'))
  try {
    const program = join(import.meta.dirname, 'pack.ts')
    const node = await nodeStart()
    await ready(context, cache)
    return { node, ...JSON.parse(await mustRun(process.execPath, [program, context, out, compression, ...phases])) }
  } finally {
    await rm(out, { recursive: true, force: true })
  }
}

/** Node with an empty program. */
function nodeStart(): Promise<number> {
  return best([process.execPath, '-e', '0'])
}

/** A command in namespaces of its own, as util-linux makes them. */
function sandbox(): Promise<number> {
  return best(['unshare', '--user', '--map-root-user', '--mount', '--pid', '--fork', '--mount-proc', 'true'])
}

/** The shortest of ten: what disturbs a run only makes it longer. */
async function best([program = '', ...args]: readonly string[]): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < 10; i++) {
    const start = performance.now()
    await mustRun(program, args)
    times.push((performance.now() - start) / 1000)
  }
  return Math.min(...times)
}
