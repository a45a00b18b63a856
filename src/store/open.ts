import { rm } from 'node:fs/promises'
import { createBlobs, type FileBlobs } from './blobs.ts'
import { createCache } from './cache.ts'
import { createCacheMounts } from './cache-mounts.ts'
import { type ContainerRows, createContainers } from './containers.ts'
import { type Database, openDatabase } from './database.ts'
import { createImages } from './images.ts'
import { createLayers } from './layers.ts'
import { hasBlobs, type Layout, layoutOf, makeFolders } from './layout.ts'
import { createLeases, type Leases } from './leases.ts'
import { createOrigins } from './origins.ts'
import { createPartials } from './partials.ts'
import { createPublications } from './publications.ts'
import { createReferrers } from './referrers.ts'
import { createStatIndex } from './stat-index.ts'
import { clearLeftovers } from './temp.ts'
import { createTrees, type RemoveTree } from './trees.ts'
import type { HoldTarget, Lease, Store } from './types.ts'
import { whyUnusable } from './unusable.ts'
import { createVariants } from './variants.ts'
import { createVolumes } from './volumes.ts'

export { defaultRoot } from './layout.ts'
export type { RemoveTree } from './trees.ts'

export interface StoreOptions {
  /** Folder of the store; made if missing, mode 0700. */
  readonly root: string
  /** Acknowledge writes only when file, folder and database are on the disk: for a registry server. Default false. */
  readonly durable?: boolean | undefined
  /** Removes unpacked trees; where they hold files of mapped users, the helper process must. Default: `fs.rm`. */
  readonly removeTree?: RemoveTree | undefined
}

/** A store as housekeeping sees it: with its database and folders. */
export interface LocalStore extends Store {
  readonly blobs: FileBlobs
  readonly database: Database
  readonly layout: Layout
  readonly containers: ContainerRows
  readonly removeTree: RemoveTree
}

/**
 * Opens the store, or makes it. Any number of processes may have it open. Costs a few milliseconds, however large the
 * store is. Throws `STORE_UNUSABLE`, `STORE_TOO_NEW`, `STORE_DAMAGED`, `DISK_FULL`.
 */
export function openStore(options: StoreOptions): LocalStore {
  const layout = layoutOf(options.root)
  try {
    makeFolders(layout)
    return openAt(layout, options, () => !hasBlobs(layout))
  } catch (error) {
    throw whyUnusable(error, layout)
  }
}

/** As `openStore`, with the database where the layout says; `mayCreate`: see `DatabaseOptions`. */
export function openAt(layout: Layout, options: Omit<StoreOptions, 'root'>, mayCreate: () => boolean): LocalStore {
  const durable = options.durable ?? false
  const database = openDatabase(layout.database, { durable, mayCreate })
  clearLeftovers(layout, database, Date.now())
  const leases = createLeases(database)
  const removeTree = options.removeTree ?? removeFolder
  const blobs = createBlobs({ layout, database, leases, durable })
  return {
    root: layout.root,
    tempDir: layout.temp,
    uploadsDir: layout.uploads,
    database,
    layout,
    removeTree,
    containers: createContainers(database),
    blobs,
    partials: createPartials({ layout, blobs }),
    layers: createLayers({ database, leases, blobs }),
    trees: createTrees({ layout, database, leases, removeTree }),
    images: createImages({ database, leases, blobs }),
    variants: createVariants({ database, blobs }),
    referrers: createReferrers({ database, blobs }),
    cache: createCache({ database, leases, blobs }),
    cacheMounts: createCacheMounts({ layout, database, leases }),
    volumes: createVolumes({ layout, database, leases, removeTree }),
    origins: createOrigins(database),
    publications: createPublications(database),
    statIndex: createStatIndex(layout),
    lease: purpose => leases.begin(purpose),
    hold: (lease, target) => hold(database, leases, lease, target),
    close: () => {
      if (!database.isOpen) return
      leases.close()
      database.close()
    },
  }
}

const TARGETS = {
  blob: 'SELECT 1 FROM blobs WHERE digest = ?',
  layer: 'SELECT 1 FROM layers WHERE id = ?',
  image: 'SELECT 1 FROM manifests WHERE digest = ?',
}

function hold(database: Database, leases: Leases, lease: Lease, target: HoldTarget): boolean {
  const ref = target.kind === 'blob' ? target.digest : target.id
  return database.write(() => {
    if (database.get(TARGETS[target.kind], ref) === undefined) return false
    leases.hold(lease, target.kind, ref)
    return true
  })
}

async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true })
}
