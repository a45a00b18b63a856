import { resolve } from 'node:path'
import type { BuildServices } from '../build/build.ts'
import type { RegistryClient } from '../registry/client/registry.ts'
import type { Store } from '../store/types.ts'
import { cacheSource } from './source.ts'
import { type CachePlace, type CacheToSpec, parseCacheFrom, parseCacheTo } from './spec.ts'
import { cacheTarget } from './target.ts'

/** Caches that a build has besides the store, each as `type=registry,ref=user/app:cache` or `type=local,…=FOLDER`. */
export interface CacheNames {
  /** Looked through in this order for steps that the store lacks; `user/app:cache` is one in a registry. */
  readonly cacheFrom?: readonly string[] | undefined
  /** Written while the build goes on; `mode=max` for every stage, not those of the image alone. */
  readonly cacheTo?: readonly string[] | undefined
}

export interface NamedCaches extends Pick<BuildServices, 'cacheFrom' | 'cacheTo'> {
  readonly targets: readonly CacheToSpec[]
}

/** Nothing is opened before the build asks for it. Throws `INVALID_CACHE`, `CACHE_TYPE_UNSUPPORTED`. */
export function namedCaches(store: Store, names: CacheNames, client: () => Promise<RegistryClient>): NamedCaches {
  const { cacheFrom = [], cacheTo = [] } = names
  const places = { store, client }
  const targets = cacheTo.map(parseCacheTo).map(spec => ({ ...spec, place: absolute(spec.place) }))
  return {
    targets,
    cacheFrom: cacheFrom.map(text => cacheSource(places, absolute(parseCacheFrom(text)))),
    cacheTo: targets.map(spec => cacheTarget(places, spec)),
  }
}

function absolute(place: CachePlace): CachePlace {
  return place.type === 'registry' ? place : { ...place, folder: resolve(place.folder) }
}
