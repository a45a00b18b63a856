import { createHash } from 'node:crypto'
import { closeSync, constants, lstatSync, openSync, readdirSync, readlinkSync, readSync, type Stats } from 'node:fs'
import { type ByteString, type Entry, fromByteString, parentPath, toByteString, toFsPath } from '../layer/entry.ts'
import type { Toc } from '../layer/toc.ts'

/** Reading is synchronous, so that one buffer serves all. */
const BUFFER = Buffer.allocUnsafeSlow(1024 * 1024)

/** Called after each file with the bytes that were read of it. */
export type OnRead = (bytes: number) => Promise<void>

/**
 * What of an unpacked layer differs from its table of contents, in words; undefined when nothing does. Compares names,
 * kinds, link targets and contents. Owners, times and attributes are not compared: an ordinary user's tree has them in
 * another form. Throws the system's errors where it may not read.
 */
export async function compareTree(folder: string, toc: Toc, onRead: OnRead): Promise<string | undefined> {
  const root = toByteString(folder)
  const named = new Set<ByteString>([''])
  for (const entry of toc.entries) {
    named.add(entry.path)
    for (let above = parentPath(entry.path); !named.has(above); above = parentPath(above)) named.add(above)
    const why = compareEntry(`${root}/${entry.path}`, entry)
    if (why !== undefined) return `${fromByteString(entry.path) || 'its folder'} ${why}`
    if (entry.kind === 'file') await onRead(entry.size)
  }
  const extra = firstUnnamed(root, '', named)
  return extra === undefined ? undefined : `${fromByteString(extra)} does not belong there`
}

function compareEntry(path: ByteString, entry: Entry): string | undefined {
  // How a deletion is marked depends on who unpacks: a device for root, an attribute or nothing else.
  if (entry.kind === 'whiteout') return undefined
  const stat = lstatSync(toFsPath(path), { throwIfNoEntry: false })
  if (stat === undefined) return 'is missing'
  if (!hasKind(stat, entry)) return `is no ${entry.kind === 'hardlink' ? 'file' : entry.kind}`
  if (entry.kind === 'file') {
    if (stat.size !== entry.size) return `has ${stat.size} bytes instead of ${entry.size}`
    if (hashFile(path) !== entry.digest) return 'has other content'
  }
  if (entry.kind === 'symlink' && readlinkSync(toFsPath(path), 'latin1') !== entry.target) return 'links elsewhere'
  return undefined
}

function hasKind(stat: Stats, entry: Entry): boolean {
  switch (entry.kind) {
    case 'directory':
      return stat.isDirectory()
    case 'symlink':
      return stat.isSymbolicLink()
    case 'file':
      return stat.isFile()
    case 'hardlink':
    // Without the right to make devices there is a placeholder.
    case 'char':
    case 'block':
    case 'fifo':
    case 'whiteout':
      return !stat.isDirectory()
    default:
      return entry satisfies never
  }
}

function hashFile(path: ByteString): string {
  const fd = openSync(toFsPath(path), constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    const hash = createHash('sha256')
    for (let read = readSync(fd, BUFFER); read > 0; read = readSync(fd, BUFFER)) hash.update(BUFFER.subarray(0, read))
    return hash.digest('hex')
  } finally {
    closeSync(fd)
  }
}

function firstUnnamed(root: ByteString, folder: ByteString, named: ReadonlySet<ByteString>): ByteString | undefined {
  for (const item of readdirSync(toFsPath(`${root}/${folder}`), { withFileTypes: true, encoding: 'latin1' })) {
    const path = folder === '' ? item.name : `${folder}/${item.name}`
    if (!named.has(path)) return path
    const inside = item.isDirectory() ? firstUnnamed(root, path, named) : undefined
    if (inside !== undefined) return inside
  }
  return undefined
}
