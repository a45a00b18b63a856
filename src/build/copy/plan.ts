import { hasWildcards } from '../../dockerfile/glob.ts'
import { ShaleError } from '../../error.ts'
import {
  type ByteString,
  baseName,
  comparePaths,
  type DirectoryEntry,
  type Entry,
  type FileEntry,
  fromByteString,
  parentPath,
  toByteString,
} from '../../layer/entry.ts'
import { cleanPath, resolvePath } from '../../rootfs/resolve.ts'
import type { FileView } from '../../rootfs/view.ts'
import { type Match, matchSource } from './match.ts'
import { type ModeChange, parentMode } from './mode.ts'
import { below, type CopySource, type Origin, type SourceNode } from './source.ts'

/** One entry of the layer that a COPY makes. */
export interface PlannedEntry {
  /** A file's `digest` is empty where it is not known yet. */
  readonly entry: Entry
  /** Where a file's bytes are; absent for everything else. */
  readonly origin?: Origin | undefined
  /** The path in the source, for messages. */
  readonly sourcePath?: ByteString | undefined
}

export interface CopyRequest {
  /** COPY or ADD, for messages. */
  readonly keyword: string
  /** What the step is laid upon; with --link an empty view. */
  readonly target: FileView
  /** Words of the instruction, expanded, with what each reads from. */
  readonly sources: readonly { readonly word: string; readonly source: CopySource }[]
  /** How many sources the instruction names; more than one need a destination that is a directory. */
  readonly words: number
  readonly destination: string
  /** The current WORKDIR, clean, without leading slash. */
  readonly workdir: ByteString
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined
  readonly chmod?: ModeChange | undefined
  /** True for a path (relative to the copied directory) that --exclude leaves out. */
  readonly excluded?: ((path: ByteString) => boolean) | undefined
  readonly parents?: boolean | undefined
  /** Time of directories that had to be made, seconds since 1970. */
  readonly now: number
}

/** What a COPY would write, from tables of contents alone: entries in path order, existing parents included. */
export function planCopy(request: CopyRequest): readonly PlannedEntry[] {
  const plan = new Plan(request)
  const matches = request.sources.flatMap(({ word, source }) => findMatches(word, source, request.parents === true))
  if (request.words > 1 && !endsAsDirectory(request.destination) && request.parents !== true) {
    throw new ShaleError(
      'DESTINATION_NOT_DIRECTORY',
      `When using ${request.keyword} with more than one source file, the destination must be a directory and end with a /`,
      { hint: `write ${JSON.stringify(`${request.destination}/`)}` },
    )
  }
  const destination = cleanPath(toByteString(request.destination), request.workdir)
  plan.ensureDirectory(endsAsDirectory(request.destination) ? destination : parentPath(destination))
  for (const match of matches) {
    if (request.parents) plan.copyWithParents(match.source, match, match.word, destination)
    else plan.copyMatch(match.source, match, destination)
  }
  if (request.parents) plan.ensureDirectory(destination)
  return plan.finish()
}

interface SourceMatch extends Match {
  readonly source: CopySource
  readonly word: string
}

function findMatches(word: string, source: CopySource, deep: boolean): readonly SourceMatch[] {
  const matches = matchSource(source.view, word.replace('/./', '/'), deep)
  // A wildcard may match nothing (BuildKit's AllowEmptyWildcard); a plain name must exist.
  if (matches.length === 0 && !hasWildcards(word)) throw source.missing(word)
  return matches.map(match => ({ ...match, source, word }))
}

/** `dir/`, `.`, `..` and nothing at all name a directory whatever is there. */
function endsAsDirectory(word: string): boolean {
  return word === '' || /(?:^|\/)\.{0,2}$/.test(word)
}

class Plan {
  readonly #request: CopyRequest
  readonly #planned = new Map<ByteString, PlannedEntry>()
  /** What the target will look like. */
  readonly #view: FileView
  readonly #groups = new Map<string, ByteString>()

  constructor(request: CopyRequest) {
    this.#request = request
    this.#view = {
      lookup: path => this.#planned.get(path)?.entry ?? request.target.lookup(path),
      children: path => request.target.children(path),
    }
  }

  /** Makes the directory and what is missing above it; follows links; gives the real path. */
  ensureDirectory(path: ByteString, like?: DirectoryEntry): ByteString {
    const real = resolvePath(this.#view, path)
    if (real === '') return real
    const existing = this.#view.lookup(real)
    if (existing?.kind === 'directory') return real
    if (existing !== undefined) {
      throw new ShaleError('NOT_A_DIRECTORY', `cannot copy to non-directory: /${fromByteString(real)}`)
    }
    this.ensureDirectory(parentPath(real))
    this.#put(like === undefined ? this.#newDirectory(real) : this.#adopt(like, real))
    return real
  }

  /** Each source for itself: names that one file has in two of them become two files. */
  copyMatch(source: CopySource, match: Match, destination: ByteString): void {
    this.#groups.clear()
    const node = source.node(match.path) as SourceNode
    const real = resolvePath(this.#view, destination)
    if (node.entry.kind === 'directory') {
      this.#copyContents(source, match.path, this.ensureDirectory(real), '')
      return
    }
    const intoDirectory = this.#view.lookup(real)?.kind === 'directory'
    const path = intoDirectory ? below(real, baseName(match.name)) : real
    this.ensureDirectory(parentPath(path))
    this.#copyFile(node, path)
  }

  /** --parents: keeps the source's path below the destination, from the `/./` on if it has one. */
  copyWithParents(source: CopySource, match: Match, word: string, destination: ByteString): void {
    this.#groups.clear()
    const pivot = word.indexOf('/./', 1)
    const dropped = pivot < 0 ? 0 : cleanPath(toByteString(word.slice(0, pivot))).split('/').length
    const kept = match.name.split('/').slice(dropped)
    let at = this.ensureDirectory(destination)
    for (let depth = 1; depth < kept.length; depth++) {
      const above = match.name
        .split('/')
        .slice(0, dropped + depth)
        .join('/')
      const like = source.view.lookup(resolvePath(source.view, above))
      at = this.ensureDirectory(below(at, kept[depth - 1] as string), like?.kind === 'directory' ? like : undefined)
    }
    const node = source.node(match.path) as SourceNode
    const { entry } = node
    const path = below(at, kept.at(-1) ?? '')
    if (entry.kind === 'directory') this.#copyContents(source, match.path, this.ensureDirectory(path, entry), '')
    else this.#copyFile(node, path)
  }

  /** Entries in order, with the existing directories above them, whose attributes a lower tree must repeat. */
  finish(): readonly PlannedEntry[] {
    for (const path of [...this.#planned.keys()]) {
      for (let above = parentPath(path); above !== '' && !this.#planned.has(above); above = parentPath(above)) {
        const existing = this.#request.target.lookup(above)
        if (existing?.kind !== 'directory') break
        const { opaque: _, ...plain } = existing
        this.#put(plain)
      }
    }
    return firstNamesFirst([...this.#planned.values()].sort((a, b) => comparePaths(a.entry.path, b.entry.path)))
  }

  #copyContents(source: CopySource, from: ByteString, to: ByteString, relative: ByteString): void {
    for (const node of source.nodes(from)) {
      const name = baseName(node.path)
      const inside = below(relative, name)
      if (this.#request.excluded?.(inside)) continue
      const path = below(to, name)
      if (node.entry.kind === 'directory') this.#copyDirectory(source, node, node.entry, path, inside)
      else this.#copyFile(node, path)
    }
  }

  #copyDirectory(
    source: CopySource,
    { path: from }: SourceNode,
    entry: DirectoryEntry,
    to: ByteString,
    relative: ByteString,
  ): void {
    const existing = this.#view.lookup(to)
    if (existing?.kind === 'symlink') {
      this.#copyContents(source, from, this.ensureDirectory(to), relative)
      return
    }
    if (existing !== undefined && existing.kind !== 'directory') {
      throw new ShaleError('NOT_A_DIRECTORY', `cannot copy to non-directory: /${fromByteString(to)}`)
    }
    const { opaque: _, ...plain } = entry
    this.#put(this.#adopt(plain, to))
    this.#copyContents(source, from, to, relative)
  }

  #copyFile({ path: from, entry: found, origin, group }: SourceNode, to: ByteString): void {
    if (this.#view.lookup(to)?.kind === 'directory') {
      throw new ShaleError('IS_A_DIRECTORY', `cannot replace directory /${fromByteString(to)} with a file`)
    }
    if (found.kind === 'symlink' || found.kind === 'char' || found.kind === 'block' || found.kind === 'fifo') {
      this.#put(this.#adopt(found, to), undefined, from)
      return
    }
    const file = fileOf(from, found)
    const first = group === undefined ? undefined : this.#groups.get(group)
    if (first !== undefined && first !== to && this.#planned.get(first)?.entry.kind === 'file') {
      const { digest: _, size: __, ...common } = file
      this.#put(this.#adopt({ ...common, kind: 'hardlink', target: first }, to), undefined, from)
      return
    }
    if (group !== undefined) this.#groups.set(group, to)
    this.#put(this.#adopt(file, to), origin, from)
  }

  #newDirectory(path: ByteString): DirectoryEntry {
    const { owner, chmod, now } = this.#request
    const { uid, gid } = owner ?? { uid: 0, gid: 0 }
    return { kind: 'directory', path, mode: parentMode(chmod), uid, gid, mtime: now, mtimeNs: 0 }
  }

  #adopt<E extends Entry>(entry: E, path: ByteString): E {
    const { owner, chmod } = this.#request
    const mode =
      chmod === undefined || entry.kind === 'symlink' ? entry.mode : chmod(entry.mode, entry.kind === 'directory')
    return { ...entry, path, mode, uid: owner?.uid ?? entry.uid, gid: owner?.gid ?? entry.gid }
  }

  #put(entry: Entry, origin?: Origin, sourcePath?: ByteString): void {
    this.#planned.set(entry.path, { entry, origin, sourcePath })
  }
}

function fileOf(from: ByteString, found: Entry): FileEntry {
  if (found.kind === 'file') return found
  throw new ShaleError('UNEXPECTED_ENTRY', `cannot copy /${fromByteString(from)}: it is a ${found.kind}`)
}

/** A table's order differs from a walk's (`a.b` comes before `a/x`), so a group's file may have to change places. */
function firstNamesFirst(sorted: readonly PlannedEntry[]): readonly PlannedEntry[] {
  if (!sorted.some(({ entry }) => entry.kind === 'hardlink' && entry.target > entry.path)) return sorted
  const byPath = new Map(sorted.map(planned => [planned.entry.path, planned]))
  const moved = new Map<ByteString, ByteString>()
  return sorted.map(planned => {
    const { entry } = planned
    if (entry.kind === 'file') return relink(planned, moved.get(entry.path))
    if (entry.kind !== 'hardlink') return planned
    const first = moved.get(entry.target)
    if (first !== undefined) return relink(planned, first)
    const file = byPath.get(entry.target)
    if (entry.target < entry.path || file?.entry.kind !== 'file') return planned
    moved.set(entry.target, entry.path)
    return { ...file, entry: { ...file.entry, path: entry.path } }
  })
}

function relink(planned: PlannedEntry, target: ByteString | undefined): PlannedEntry {
  const { entry } = planned
  if (target === undefined || (entry.kind !== 'file' && entry.kind !== 'hardlink')) return planned
  const { path, mode, uid, gid, mtime, mtimeNs, xattrs } = entry
  const link: Entry = { kind: 'hardlink', path, mode, uid, gid, mtime, mtimeNs, target, ...(xattrs && { xattrs }) }
  return { entry: link, sourcePath: planned.sourcePath }
}
