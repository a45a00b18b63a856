import { mkdirSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { isErrno, ShaleError } from '../error.ts'
import { type Digest, digestAlgorithm, digestHex } from '../oci/digest.ts'
import { makeFolder } from './make-folder.ts'

/** Where the parts of a store are; absolute paths. */
export interface Layout {
  readonly root: string
  readonly database: string
  readonly blobs: string
  readonly trees: string
  /** Volumes of containers; made with the first one. */
  readonly volumes: string
  /** Folders of RUN's cache mounts. */
  readonly caches: string
  /** A folder for each container, named by its ID. */
  readonly containers: string
  readonly temp: string
  /** Blobs that have arrived in part. */
  readonly partial: string
  /** Notes on uploads under way. */
  readonly uploads: string
  readonly trash: string
  readonly statIndex: string
}

export function layoutOf(root: string): Layout {
  const absolute = resolve(root)
  return {
    root: absolute,
    database: join(absolute, 'shale.db'),
    blobs: join(absolute, 'blobs'),
    trees: join(absolute, 'trees'),
    caches: join(absolute, 'caches'),
    volumes: join(absolute, 'volumes'),
    containers: join(absolute, 'containers'),
    temp: join(absolute, 'tmp'),
    partial: join(absolute, 'partial'),
    uploads: join(absolute, 'uploads'),
    trash: join(absolute, 'trash'),
    statIndex: join(absolute, 'stat-index'),
  }
}

/** Makes the folders that are missing. Throws `STORE_UNUSABLE`. */
export function makeFolders(layout: Layout): void {
  const { blobs, trees, caches, containers, temp, partial, uploads, trash, statIndex } = layout
  try {
    makeFolder(layout.root, 0o700)
    for (const folder of [
      `${blobs}/sha256`,
      `${blobs}/sha512`,
      trees,
      caches,
      containers,
      temp,
      partial,
      uploads,
      trash,
      statIndex,
    ]) {
      mkdirSync(folder, { recursive: true })
    }
  } catch (cause) {
    if (isErrno(cause, 'ENOSPC', 'EDQUOT')) throw cause
    throw new ShaleError('STORE_UNUSABLE', `cannot make the store ${layout.root}: ${(cause as Error).message}`, {
      cause,
      hint: 'choose a folder that you may write to with --root or SHALE_ROOT',
    })
  }
}

/** Blobs' folders, one for each digest algorithm. */
export const BLOB_FOLDERS = ['sha256', 'sha512'] as const

export function hasBlobs(layout: Layout): boolean {
  return BLOB_FOLDERS.some(algorithm => readdirSync(join(layout.blobs, algorithm)).length > 0)
}

export function blobPath(layout: Layout, digest: Digest): string {
  return `${layout.blobs}/${digestAlgorithm(digest)}/${digestHex(digest)}`
}

/** What containers see of a volume. */
export function volumePath(layout: Layout, name: string): string {
  return `${layout.volumes}/${name}/_data`
}

export function cacheMountPath(layout: Layout, id: number): string {
  return `${layout.caches}/${id}`
}

export function treePath(layout: Layout, id: number): string {
  return `${layout.trees}/${id}`
}

/**
 * The store's folder when none is named: `SHALE_ROOT`, else /var/lib/shale for root, else `shale` in the XDG data
 * folder. Source: XDG Base Directory Specification 0.8 (a relative XDG_DATA_HOME is ignored).
 */
export function defaultRoot(env: Readonly<Record<string, string | undefined>>, uid: number): string {
  if (env.SHALE_ROOT) return resolve(env.SHALE_ROOT)
  if (uid === 0) return '/var/lib/shale'
  const data = env.XDG_DATA_HOME
  return data?.startsWith('/') ? join(data, 'shale') : join(env.HOME || homedir(), '.local/share/shale')
}
