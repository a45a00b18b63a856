import { hasWildcards, matchGlob } from '../../dockerfile/glob.ts'
import { type ByteString, fromByteString, toByteString } from '../../layer/entry.ts'
import { cleanPath, resolvePath } from '../../rootfs/resolve.ts'
import type { FileView } from '../../rootfs/view.ts'

/** A source that was found: the name it was found under, and where it really is after links are followed. */
export interface Match {
  /** Clean path as the Dockerfile names it; gives the copied file its name. */
  readonly name: ByteString
  /** The path that is read. */
  readonly path: ByteString
}

/**
 * The existing paths that a source word names, in order. A word without wildcards gives one match or none. Wildcards
 * match one path component each, as filepath.Match does; `**` any number of them where `deep` is set (--parents).
 */
export function matchSource(view: FileView, pattern: string, deep = false): readonly Match[] {
  if (!hasWildcards(pattern)) return literal(view, cleanPath(toByteString(unescaped(pattern))))
  const parts = cleanPath(pattern).split('/')
  const found = new Set<ByteString>()
  descend(view, '', parts, deep, found)
  return [...found].sort().flatMap(path => literal(view, path))
}

function unescaped(pattern: string): string {
  return pattern.replace(/\\(.)/g, '$1')
}

function literal(view: FileView, name: ByteString): readonly Match[] {
  const path = resolvePath(view, name)
  return view.lookup(path) === undefined ? [] : [{ name, path }]
}

function descend(
  view: FileView,
  at: ByteString,
  parts: readonly string[],
  deep: boolean,
  found: Set<ByteString>,
): void {
  const [part, ...rest] = parts
  if (part === undefined) {
    found.add(at)
    return
  }
  const join = (name: ByteString) => (at === '' ? name : `${at}/${name}`)
  if (!hasWildcards(part)) {
    next(view, join(toByteString(unescaped(part))), rest, deep, found)
    return
  }
  if (deep && part === '**') {
    descend(view, at, rest, deep, found)
    for (const name of view.children(resolvePath(view, at))) {
      if (view.lookup(join(name))?.kind === 'directory') descend(view, join(name), parts, deep, found)
    }
    return
  }
  for (const name of view.children(resolvePath(view, at))) {
    if (matchGlob(part, fromByteString(name))) next(view, join(name), rest, deep, found)
  }
}

function next(view: FileView, path: ByteString, rest: readonly string[], deep: boolean, found: Set<ByteString>): void {
  if (rest.length > 0 || view.lookup(path) !== undefined) descend(view, path, rest, deep, found)
}
