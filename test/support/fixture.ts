import { chmod, chown, lchown, link, lutimes, mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export interface Entry {
  /** Content of a regular file; empty if absent. */
  readonly content?: string | Uint8Array
  /** A symbolic link to this. */
  readonly symlink?: string
  /** A hard link to this other path of the tree. */
  readonly hardlink?: string
  readonly mode?: number
  /** `[uid, gid]`; needs root. */
  readonly owner?: readonly [number, number]
  /** Seconds since the epoch. */
  readonly mtime?: number
}

/**
 * Paths relative to the tree and what is there. A string is a file's content; a path that ends in `/` is a folder;
 * missing parent folders are made.
 */
export type Tree = Readonly<Record<string, string | Uint8Array | Entry>>

/** Writes a file tree below `folder`, which is made if it is missing; returns `folder`. */
export async function fixtureTree(folder: string, tree: Tree): Promise<string> {
  await mkdir(folder, { recursive: true })
  const entries = Object.entries(tree).map(([path, value]) => [path, asEntry(value)] as const)
  for (const [path, entry] of entries) await place(folder, path, entry)
  // Deepest first, so that a folder's time and mode are set when nothing more is put into it.
  const deepestFirst = entries.toSorted(([a], [b]) => b.split('/').length - a.split('/').length)
  for (const [path, entry] of deepestFirst) await setAttributes(join(folder, path), entry)
  return folder
}

function asEntry(value: string | Uint8Array | Entry): Entry {
  return typeof value === 'string' || value instanceof Uint8Array ? { content: value } : value
}

async function place(folder: string, path: string, entry: Entry): Promise<void> {
  const target = join(folder, path)
  if (path.endsWith('/')) {
    await mkdir(target, { recursive: true })
    return
  }
  await mkdir(dirname(target), { recursive: true })
  if (entry.symlink !== undefined) await symlink(entry.symlink, target)
  else if (entry.hardlink !== undefined) await link(join(folder, entry.hardlink), target)
  else await writeFile(target, entry.content ?? '')
}

async function setAttributes(target: string, entry: Entry): Promise<void> {
  const path = target.replace(/\/$/, '')
  const isLink = entry.symlink !== undefined
  // Changing the owner clears the set-user-ID bit, so the mode comes after it.
  if (entry.owner !== undefined) await (isLink ? lchown : chown)(path, ...entry.owner)
  if (entry.mode !== undefined && !isLink) await chmod(path, entry.mode)
  if (entry.mtime !== undefined) await lutimes(path, entry.mtime, entry.mtime)
}
