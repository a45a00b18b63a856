import { createHash } from 'node:crypto'
import { type BigIntStats, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { listXattrs } from './xattr.ts'

/** One path of a tree with everything that a layer holds of it. */
export interface Snapshot {
  readonly type: 'file' | 'dir' | 'symlink' | 'fifo' | 'socket' | 'char' | 'block'
  /** Permission bits in octal, as in `0755`. */
  readonly mode: string
  readonly owner: string
  /** Of regular files. */
  readonly size?: number
  readonly sha256?: string
  readonly mtimeNs: bigint
  readonly target?: string
  /** `major:minor` of devices. */
  readonly device?: string
  /** Names to values in hex; absent when there are none. */
  readonly xattrs?: Readonly<Record<string, string>>
  /** All paths of the tree that are this file, sorted; absent for a file with one name in the tree. */
  readonly links?: readonly string[]
}

export interface SnapshotOptions {
  /** Things to leave out of every entry, such as `mtimeNs` where times are meant to differ. */
  readonly without?: readonly (keyof Snapshot)[]
}

/**
 * Describes every path below `folder` (not `folder` itself), sorted by path, for `assert.deepEqual`. Paths are byte
 * strings: each character is one byte, so that names which are not UTF-8 are told apart.
 */
export function snapshotTree(
  folder: string,
  options: SnapshotOptions = {},
): Readonly<Record<string, Partial<Snapshot>>> {
  const root = Buffer.from(folder).toString('latin1')
  const found = [...walk(root, '')]
  const groups = linkGroups(found)
  const without = options.without ?? []
  const entries = found.map(({ path, stat }) => {
    const full = describe(`${root}/${path}`, stat, groups.get(`${stat.dev}:${stat.ino}`))
    return [
      path,
      Object.fromEntries(Object.entries(full).filter(([key]) => !without.some(name => name === key))),
    ] as const
  })
  return Object.fromEntries(entries)
}

interface Found {
  readonly path: string
  readonly stat: BigIntStats
}

function* walk(root: string, folder: string): Generator<Found> {
  const names = readdirSync(bytes(folder === '' ? root : `${root}/${folder}`), { encoding: 'buffer' })
  for (const name of names.map(each => each.toString('latin1')).sort()) {
    const path = folder === '' ? name : `${folder}/${name}`
    const stat = lstatSync(bytes(`${root}/${path}`), { bigint: true })
    yield { path, stat }
    if (stat.isDirectory()) yield* walk(root, path)
  }
}

function linkGroups(found: readonly Found[]): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>()
  for (const { path, stat } of found) {
    if (stat.isDirectory() || stat.nlink === 1n) continue
    const key = `${stat.dev}:${stat.ino}`
    groups.set(key, [...(groups.get(key) ?? []), path].sort())
  }
  return groups
}

function describe(path: string, stat: BigIntStats, links: readonly string[] | undefined): Snapshot {
  const type = typeOf(stat)
  const xattrs = listXattrs(bytes(path))
  return {
    type,
    mode: (Number(stat.mode) & 0o7777).toString(8).padStart(4, '0'),
    owner: `${stat.uid}:${stat.gid}`,
    mtimeNs: stat.mtimeNs,
    ...(type === 'file' ? { size: Number(stat.size), sha256: sha256(path) } : {}),
    ...(type === 'symlink' ? { target: readlinkSync(bytes(path), { encoding: 'buffer' }).toString('latin1') } : {}),
    ...(type === 'char' || type === 'block' ? { device: deviceNumber(stat.rdev) } : {}),
    ...(Object.keys(xattrs).length > 0 ? { xattrs } : {}),
    ...(links !== undefined && links.length > 1 ? { links } : {}),
  }
}

function typeOf(stat: BigIntStats): Snapshot['type'] {
  if (stat.isFile()) return 'file'
  if (stat.isDirectory()) return 'dir'
  if (stat.isSymbolicLink()) return 'symlink'
  if (stat.isFIFO()) return 'fifo'
  if (stat.isSocket()) return 'socket'
  return stat.isCharacterDevice() ? 'char' : 'block'
}

/** As glibc's gnu_dev_major and gnu_dev_minor take it apart. */
function deviceNumber(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn)
  const minor = (device & 0xffn) | ((device >> 12n) & ~0xffn)
  return `${major}:${minor}`
}

function sha256(path: string): string {
  return createHash('sha256')
    .update(readFileSync(bytes(path)))
    .digest('hex')
}

function bytes(path: string): Buffer {
  return Buffer.from(path, 'latin1')
}
