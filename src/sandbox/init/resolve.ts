import { lstatSync, readlinkSync } from 'node:fs'
import { isErrno, ShaleError } from '../../error.ts'

/** Where a path of a container lies once its symbolic links are followed, none of them out of the root. */
export interface Resolved {
  /** Relative to the root, free of symbolic links as far as it exists. */
  readonly path: string
  /** How many of the path's components exist. */
  readonly existing: number
}

const LINK_LIMIT = 255

/**
 * Follows a container's path as a process in the container would, with `root` as its root: `..` stays inside, absolute
 * link targets begin at the root. What does not exist is taken literally, so that it can be made. Nothing else may be
 * changing the tree meanwhile.
 */
export function resolveInRoot(root: string, path: string): Resolved {
  let pending = components(path)
  let done: string[] = []
  let existing = 0
  let links = 0
  while (pending.length > 0) {
    const [name, ...rest] = pending as [string, ...string[]]
    pending = rest
    if (name === '..') {
      done = done.slice(0, -1)
      existing = Math.min(existing, done.length)
      continue
    }
    const candidate = [...done, name]
    const target = existing === done.length ? look(`${root}/${candidate.join('/')}`) : 'missing'
    if (typeof target === 'object') {
      if (++links > LINK_LIMIT) throw new ShaleError('MOUNT_TARGET', `mount ${path}: too many levels of symbolic links`)
      if (target.link.startsWith('/')) {
        done = []
        existing = 0
      }
      pending = [...components(target.link), ...pending]
      continue
    }
    done = candidate
    if (target === 'exists') existing = done.length
  }
  return { path: done.join('/'), existing }
}

function components(path: string): readonly string[] {
  return path.split('/').filter(name => name !== '' && name !== '.')
}

function look(path: string): 'exists' | 'missing' | { readonly link: string } {
  try {
    return lstatSync(path).isSymbolicLink() ? { link: readlinkSync(path) } : 'exists'
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return 'missing'
    throw error
  }
}
