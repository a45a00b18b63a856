import { ShaleError } from '../error.ts'
import type { TarHeader, TarXattr } from '../tar/header.ts'
import { cleanMemberPath } from '../tar/path.ts'
import { baseName, type Entry, fromByteString, parentPath, type Xattr } from './entry.ts'
import { TOC_LIMITS } from './toc-format.ts'
import { WHITEOUT_OPAQUE, WHITEOUT_PREFIX } from './whiteout.ts'

/** An opaque mark `.wh..wh..opq`; its directory may stand anywhere in the tar, or not at all. */
export interface OpaqueMark {
  readonly kind: 'opaque'
  readonly path: string
}

/**
 * A tar member as a layer's entry: path cleaned, whiteouts recognised, overlayfs' own attributes dropped, file digest
 * still empty. Undefined for what means nothing (aufs' own files). Throws `TAR_PATH_ESCAPES`, `TAR_PATH_INVALID`,
 * `LAYER_INVALID`.
 */
export function entryOf(header: TarHeader): Entry | OpaqueMark | undefined {
  const path = cleanMemberPath(header.path)
  const base = baseName(path)
  if (base.startsWith(WHITEOUT_PREFIX)) return whiteoutOf(path, base)
  if (path.includes('.wh..wh.')) return undefined
  if (path === '' && header.kind !== 'directory') throw invalid(header.path, 'it would replace the root')
  const { mode, uid, gid, mtime, mtimeNs } = header
  if (uid > 0xffffffff || gid > 0xffffffff || uid < 0 || gid < 0)
    throw invalid(header.path, 'its owner is no user or group')
  const xattrs = header.xattrs.length === 0 ? undefined : cleanXattrs(header.xattrs, header.path)
  const entry = plainEntry(header, { path, mode, uid, gid, mtime, mtimeNs })
  return xattrs === undefined ? entry : { ...entry, xattrs }
}

type Common = Pick<Entry, 'path' | 'mode' | 'uid' | 'gid' | 'mtime' | 'mtimeNs'>

function plainEntry(header: TarHeader, common: Common): Entry {
  const { kind } = header
  switch (kind) {
    case 'file':
      return { kind, ...common, size: header.size, digest: '' }
    case 'directory':
    case 'fifo':
      return { kind, ...common }
    case 'symlink':
      if (header.target === '' || header.target.includes('\0') || header.target.length > TOC_LIMITS.target) {
        throw invalid(header.path, 'its target is empty or too long')
      }
      return { kind, ...common, target: header.target }
    case 'hardlink':
      return { kind, ...common, target: cleanMemberPath(header.target) }
    case 'char':
    case 'block':
      if (header.major < 0 || header.minor < 0 || header.major > 0xffffffff || header.minor > 0xffffffff) {
        throw invalid(header.path, 'its device number is impossible')
      }
      return { kind, ...common, major: header.major, minor: header.minor }
  }
}

function whiteoutOf(path: string, base: string): Entry | OpaqueMark | undefined {
  const parent = parentPath(path)
  if (base === WHITEOUT_OPAQUE) return { kind: 'opaque', path: parent }
  // .wh..wh.plnk, .wh..wh.aufs and the like: aufs kept its own things under such names.
  if (base.startsWith('.wh..wh.')) return undefined
  const name = base.slice(WHITEOUT_PREFIX.length)
  if (name === '' || name === '.' || name === '..') throw invalid(path, 'a whiteout must name what it deletes')
  const deleted = parent === '' ? name : `${parent}/${name}`
  return { kind: 'whiteout', path: deleted, mode: 0, uid: 0, gid: 0, mtime: 0, mtimeNs: 0 }
}

/** Attributes that overlayfs would obey; a layer must not have a say in them. */
export function isOverlayXattr(name: string): boolean {
  return name.startsWith('trusted.overlay.') || name.startsWith('user.overlay.')
}

function cleanXattrs(xattrs: readonly TarXattr[], path: string): readonly Xattr[] | undefined {
  const kept: Xattr[] = []
  for (const { name, value } of xattrs) {
    const text = fromByteString(name)
    if (isOverlayXattr(text)) continue
    if (name.length > TOC_LIMITS.xattrName || value.length > TOC_LIMITS.xattrValue || text.includes('\0')) {
      throw invalid(path, 'an extended attribute is too large')
    }
    kept.push({ name: text, value })
  }
  if (kept.length > TOC_LIMITS.xattrsOfEntry) throw invalid(path, 'it has too many extended attributes')
  return kept.length === 0 ? undefined : kept.sort((a, b) => (a.name < b.name ? -1 : 1))
}

function invalid(path: string, why: string): ShaleError {
  return new ShaleError(
    'LAYER_INVALID',
    `layer member ${JSON.stringify(fromByteString(path.slice(0, 300)))} is invalid: ${why}`,
  )
}
