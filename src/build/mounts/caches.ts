import { setTimeout } from 'node:timers/promises'
import type { CacheMount } from '../../dockerfile/mount.ts'
import { ShaleError } from '../../error.ts'
import { toByteString } from '../../layer/entry.ts'
import { type Toc, tocOf } from '../../layer/toc.ts'
import { contentId } from '../../layer/toc-codec.ts'
import { type Digest, sha256 } from '../../oci/digest.ts'
import { cleanPath } from '../../rootfs/resolve.ts'
import type { RunMount } from '../../sandbox/run-request.ts'
import type { CacheMountHold, CacheMountRequest, HeldCacheMount } from '../../store/cache-mounts.ts'
import { type BuildContext, withoutCache } from '../build-context.ts'
import type { StepPosition } from '../ops/step-position.ts'
import { cacheIdOf, type PlannedMount } from './plan.ts'
import type { TreeContent } from './trees.ts'

/** The caches of one step while it runs. */
export interface StepCaches {
  mount(planned: PlannedMount): RunMount
  /** Idempotent. */
  release(): void
}

interface CacheOf {
  readonly planned: PlannedMount
  readonly mount: CacheMount
  readonly key: Digest
}

const NONE: StepCaches = {
  mount: () => {
    throw new Error('no cache was asked for')
  },
  release: () => {},
}

/** Takes all caches of a step at once, so that no two steps wait for each other, and fills the new ones. */
export async function acquireCaches(
  context: BuildContext,
  planned: readonly PlannedMount[],
  at: StepPosition,
): Promise<StepCaches> {
  const caches = planned.flatMap((each): readonly CacheOf[] =>
    each.mount.type === 'cache' ? [{ planned: each, mount: each.mount, key: cacheKey(each.mount, each) }] : [],
  )
  if (caches.length === 0) return NONE
  const hold = await waitFor(context, caches, at)
  try {
    for (const [index, cache] of caches.entries()) await fillNew(context, cache, hold.mounts[index] as HeldCacheMount)
  } catch (error) {
    hold.release()
    throw error
  }
  const folders = new Map(caches.map(({ planned }, index) => [planned, hold.mounts[index]?.path as string]))
  return { mount: each => cacheMount(each, folders.get(each) as string), release: hold.release }
}

/** As in BuildKit: with another owner, another mode or other files to begin with it is another cache. */
function cacheKey(mount: CacheMount, { input }: PlannedMount): Digest {
  const begin = input === undefined ? '' : contentId(input.toc)
  return sha256(JSON.stringify([cacheIdOf(mount), mount.uid ?? 0, mount.gid ?? 0, mount.mode ?? 0o755, begin]))
}

function requestOf(context: BuildContext, { mount, planned, key }: CacheOf, stage: string): CacheMountRequest {
  const title = `cached mount ${planned.target} with id ${JSON.stringify(cacheIdOf(mount))}`
  const fresh = withoutCache(context, stage) && !context.freshCaches.has(key)
  return { key, title, sharing: mount.sharing, fresh }
}

/** How often a cache is asked for that another process has. */
const INTERVAL_MS = 50
/** After that long the user is told what the step waits for. */
const SILENT_MS = 1000

async function waitFor(context: BuildContext, caches: readonly CacheOf[], at: StepPosition): Promise<CacheMountHold> {
  const since = Date.now()
  for (let told = false; ; ) {
    const requests = caches.map(cache => requestOf(context, cache, at.stage))
    const hold = context.store.cacheMounts.acquire(context.lease, requests)
    if (hold !== undefined) {
      for (const { key, fresh } of requests) if (fresh) context.freshCaches.add(key)
      return hold
    }
    if (!told && Date.now() - since > SILENT_MS) {
      told = true
      const names = caches.map(({ planned }) => planned.target).join(', ')
      context.steps.output(at.info, 'stderr', Buffer.from(`waiting for the cache of ${names}: another step uses it\n`))
    }
    await setTimeout(INTERVAL_MS, undefined, { signal: context.signal })
  }
}

async function fillNew({ mountTrees }: BuildContext, { mount, planned }: CacheOf, held: HeldCacheMount): Promise<void> {
  if (!held.isNew) return
  await mountTrees.fill(beginning(mount, planned), held.path)
  held.filled()
}

/** An empty folder of the owner and mode that are asked for, or the files of `from=`. */
function beginning({ uid = 0, gid = 0, mode = 0o755 }: CacheMount, { input }: PlannedMount): TreeContent {
  if (input !== undefined) return input
  const toc: Toc = tocOf([{ kind: 'directory', path: '', mode, uid, gid, mtime: 0, mtimeNs: 0 }])
  return { toc, planned: [] }
}

function cacheMount({ mount, target, input }: PlannedMount, root: string): RunMount {
  if (mount.type !== 'cache') throw new ShaleError('MOUNT_TYPE', `${mount.type} is no cache`)
  const path = input === undefined ? cleanPath(toByteString(mount.source ?? '')) : input.path
  return { kind: 'beneath', root, path, target, readonly: mount.readOnly }
}
