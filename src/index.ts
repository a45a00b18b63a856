/** Shale as a library: open a store, build, look into images. Nothing here prints, exits or mounts. */

import { type BuildResult, buildImage } from './build/build.ts'
import type { BuildOptions } from './build/options.ts'
import { type CacheNames, namedCaches } from './cache/named-caches.ts'
import { type RunImageHooks, type RunImageOptions, runImage } from './container/run.ts'
import type { Platform } from './oci/platform.ts'
import { type Rebuild, type RebuildOptions, verifyRebuild as rebuildAndCompare } from './rebuild/rebuild.ts'
import { pullImage } from './registry/client/pull.ts'
import { createRegistryClient, type RegistryClient } from './registry/client/registry.ts'
import { type ImageFiles, imageFiles } from './rootfs/image-files.ts'
import { treeRemover } from './sandbox/remove-tree.ts'
import type { RunResult } from './sandbox/run-request.ts'
import { type LocalStore, openStore as openLocalStore, type StoreOptions } from './store/open.ts'
import { resolveImage } from './store/resolve.ts'
import type { Store } from './store/types.ts'

export { loadArchive } from './archive/load.ts'
export { saveArchive, saveLayout } from './archive/save.ts'
export type { BuildResult } from './build/build.ts'
export type { BuildEvent, Reason, StepInfo, StepStatus } from './build/events.ts'
export type { BuildOptions } from './build/options.ts'
export type { CacheNames } from './cache/named-caches.ts'
export type { RunImageHooks, RunImageOptions } from './container/run.ts'
export { parseDockerfile } from './dockerfile/parse.ts'
export { ShaleError } from './error.ts'
export { type Entry, fromByteString, toByteString } from './layer/entry.ts'
export type { Toc } from './layer/toc.ts'
export { parsePlatform } from './oci/platform.ts'
export type { Rebuild, RebuildOptions } from './rebuild/rebuild.ts'
export { pullImage } from './registry/client/pull.ts'
export { pushImage } from './registry/client/push.ts'
export type { ImageFiles } from './rootfs/image-files.ts'
export { defaultRoot, type StoreOptions } from './store/open.ts'
export { resolveImage } from './store/resolve.ts'
export type { LayerRecord, Store, StoredImage } from './store/types.ts'

/** Opens the store, or makes it; see `defaultRoot` for where the command line has its own. Close it when done. */
export function openStore(options: StoreOptions): LocalStore {
  return openLocalStore({ removeTree: treeRemover(options.root), ...options })
}

/**
 * Builds an image; base images that the store lacks are pulled from their registry. Caches besides the store are named as
 * for `--cache-from` and `--cache-to`.
 */
export async function build(store: Store, options: BuildOptions & CacheNames): Promise<BuildResult> {
  let client: RegistryClient | undefined
  const connected = async () => {
    client ??= createRegistryClient()
    return client
  }
  try {
    const { cacheFrom, cacheTo } = namedCaches(store, options, connected)
    return await buildImage(store, options, { pull: puller(store, options.signal), cacheFrom, cacheTo })
  } finally {
    client?.close()
  }
}

/** Builds an image of the store again as its record says, apart from the store, and compares the two. */
export function verifyRebuild(store: LocalStore, options: RebuildOptions): Promise<Rebuild> {
  const { signal } = options
  const pull = async (into: Store, name: string, platform: Platform) => puller(into, signal)(name, platform)
  return rebuildAndCompare(store, options, { pull })
}

/** Runs an image's command (or another) in a container and gives how it ended. */
export function run(store: LocalStore, options: RunImageOptions & RunImageHooks): Promise<RunResult> {
  return runImage(store, options, { pull: puller(store, options.signal) })
}

/** Opens an image by name or ID: its documents, layers and files. Throws `IMAGE_NOT_FOUND`. */
export async function openImage(store: Store, name: string, platform?: Platform): Promise<ImageFiles> {
  const { id } = resolveImage(store, name)
  return imageFiles(store, await store.images.open(id, platform))
}

function puller(store: Store, signal?: AbortSignal): (name: string, platform: Platform) => Promise<void> {
  return async (name, platform) => {
    await pullImage(store, name, { platform, ...(signal !== undefined && { signal }) })
  }
}
