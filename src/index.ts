/** Shale as a library: open a store, build, look into images. Nothing here prints or exits. */

import { type BuildResult, buildImage } from './build/build.ts'
import type { BuildOptions } from './build/options.ts'
import { pullImage } from './registry/client/pull.ts'
import type { Store } from './store/types.ts'

export type { BuildResult } from './build/build.ts'
export type { BuildEvent, Reason, StepInfo, StepStatus } from './build/events.ts'
export type { BuildOptions } from './build/options.ts'
export { ShaleError } from './error.ts'
export type { Entry } from './layer/entry.ts'
export { defaultRoot, openStore, type StoreOptions } from './store/open.ts'
export type { LayerRecord, Store, StoredImage } from './store/types.ts'

/** Builds an image; base images that the store lacks are pulled from their registry. */
export function build(store: Store, options: BuildOptions): Promise<BuildResult> {
  return buildImage(store, options, {
    pull: async (name, platform) => {
      await pullImage(store, name, { platform, ...(options.signal !== undefined && { signal: options.signal }) })
    },
  })
}
