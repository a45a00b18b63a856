import type { BuildServices } from '../build/build.ts'
import { ShaleError } from '../error.ts'
import type { RegistryClient } from '../registry/client/registry.ts'
import type { Store } from '../store/types.ts'
import type { Context } from './command.ts'

/** The caches that a build has besides the store, and the end of what was opened for them. */
export interface SharedCaches extends Pick<BuildServices, 'cacheFrom' | 'cacheTo'> {
  close(): Promise<void>
}

interface CacheFlags {
  readonly cacheFrom: readonly string[]
  readonly cacheTo: readonly string[]
}

const NONE: SharedCaches = { close: async () => undefined }

/** Reads `--cache-from` and `--cache-to`; throws before anything is built when a cache could not be written. */
export async function sharedCaches(context: Context, store: Store, flags: CacheFlags): Promise<SharedCaches> {
  // Few builds have any: their part of the program is loaded when one does.
  if (flags.cacheFrom.length === 0 && flags.cacheTo.length === 0) return NONE
  const [{ namedCaches }, { cacheName }] = await Promise.all([
    import('../cache/named-caches.ts'),
    import('../cache/spec.ts'),
  ])
  let opened: Promise<RegistryClient> | undefined
  const client = () => {
    opened ??= import('./registry-client.ts').then(({ openRegistryClient }) => openRegistryClient(context))
    return opened
  }
  const { cacheFrom, cacheTo, targets } = namedCaches(store, flags, client)
  const remote = targets.find(({ place, ignoreError }) => place.type === 'registry' && !ignoreError)
  if (remote !== undefined && /^(?:1|true|yes)$/i.test(context.env.SHALE_OFFLINE ?? '')) {
    const message = `cannot write the cache ${cacheName(remote.place)}: --offline keeps from using the network`
    throw new ShaleError('OFFLINE', message)
  }
  return { cacheFrom, cacheTo, close: async () => (await opened)?.close() }
}
