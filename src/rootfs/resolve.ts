import { ShaleError } from '../error.ts'
import { type ByteString, fromByteString, parentPath } from '../layer/entry.ts'
import type { FileView } from './view.ts'

/** The kernel's limit of symlinks in one look-up (path_resolution(7)). */
const MAX_LINKS = 40

/**
 * The path that `path` means after every symlink on the way is followed, as the kernel would with the view's root as
 * its root: absolute links begin at the root, `..` never leaves it. What does not exist is kept as it is. With
 * `followLast` false a symlink at the very end stays. Throws `TOO_MANY_LINKS`.
 */
export function resolvePath(view: FileView, path: ByteString, followLast = true): ByteString {
  let links = 0
  let resolved: ByteString = ''
  const rest = components(path).reverse()
  while (rest.length > 0) {
    const name = rest.pop() as ByteString
    if (name === '..') {
      resolved = parentPath(resolved)
      continue
    }
    const next = resolved === '' ? name : `${resolved}/${name}`
    const entry = rest.length > 0 || followLast ? view.lookup(next) : undefined
    if (entry?.kind !== 'symlink') {
      resolved = next
      continue
    }
    if (++links > MAX_LINKS) {
      throw new ShaleError('TOO_MANY_LINKS', `too many levels of symbolic links at /${fromByteString(path)}`)
    }
    if (entry.target.startsWith('/')) resolved = ''
    rest.push(...components(entry.target).reverse())
  }
  return resolved
}

function components(path: ByteString): ByteString[] {
  return path.split('/').filter(name => name !== '' && name !== '.')
}

/** Joins a path of the Dockerfile to the current folder and cleans it: `..` stops at the root, symlinks stay. */
export function cleanPath(path: ByteString, base: ByteString = ''): ByteString {
  const clean: ByteString[] = []
  for (const name of components(path.startsWith('/') ? path : `${base}/${path}`)) {
    if (name === '..') clean.pop()
    else clean.push(name)
  }
  return clean.join('/')
}
