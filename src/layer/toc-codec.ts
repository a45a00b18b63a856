import { ShaleError } from '../error.ts'
import { type Digest, sha256 } from '../oci/digest.ts'
import { ByteSink } from './byte-sink.ts'
import type { ByteString, Entry, Xattr } from './entry.ts'
import type { Toc } from './toc.ts'
import { KINDS, TOC_MAGIC } from './toc-format.ts'

export { decodeToc } from './toc-decode.ts'

/**
 * The table's binary form, described in toc-format.ts; equal tables give equal bytes. Throws `TOC_INVALID` when entries
 * are out of order or a hard link names no earlier file.
 */
export function encodeToc(toc: Toc): Buffer {
  return encoded(toc).full
}

/** Digest of the encoded table: times included. */
export function tocDigest(toc: Toc): Digest {
  return sha256(encodeToc(toc))
}

/** The layer's identity apart from times: the digest of the table encoded without them. */
export function contentId(toc: Toc): Digest {
  return encoded(toc).contentId
}

interface Encoded {
  readonly full: Buffer
  readonly contentId: Digest
}

/** A table does not change, and a build asks for both of its forms more than once. */
const ENCODED = new WeakMap<Toc, Encoded>()

function encoded(toc: Toc): Encoded {
  const known = ENCODED.get(toc)
  if (known !== undefined) return known
  const made = encode(toc)
  ENCODED.set(toc, made)
  return made
}

/** Numbers things in order of first appearance. */
class Numbering<T> {
  readonly values: T[] = []
  readonly #numbers = new Map<string | number, number>()

  of(key: string | number, value: T): number {
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    this.#numbers.set(key, this.values.length)
    return this.values.push(value) - 1
  }
}

interface Tables {
  readonly attributes: Numbering<Entry>
  readonly xattrs: Numbering<readonly Xattr[]>
}

function encode(toc: Toc): Encoded {
  const tables: Tables = { attributes: new Numbering(), xattrs: new Numbering() }
  const digests = Buffer.allocUnsafe(toc.entries.length * 32)
  const { rows, times, files } = encodeRows(toc, tables, digests)
  const form = (magic: Uint8Array, body: Buffer) => {
    const head = new ByteSink(1024)
    head.bytes(magic)
    head.varint(toc.entries.length)
    head.varint(files)
    encodeTables(tables, head)
    return [head.view(), digests.subarray(0, files * 32), body]
  }
  const content = sha256(Buffer.concat(form(TOC_MAGIC.content, without(rows, times))))
  return { full: Buffer.concat(form(TOC_MAGIC.full, rows)), contentId: content }
}

interface Rows {
  readonly rows: Buffer
  /** Where the rows have times: begin and end of each, in order. */
  readonly times: readonly number[]
  readonly files: number
}

function encodeRows(toc: Toc, tables: Tables, digests: Buffer): Rows {
  const linkTargets = new LinkTargets(toc)
  const out = new ByteSink(toc.entries.length * 48 + 64)
  const times: number[] = []
  let previousPath = ''
  let previousTime = 0
  let files = 0
  for (let i = 0; i < toc.entries.length; i++) {
    const entry = toc.entries[i] as Entry
    if (i > 0 && entry.path <= previousPath) throw unordered(previousPath, entry.path)
    const opaque = entry.kind === 'directory' && entry.opaque === true
    out.byte(
      KINDS.indexOf(entry.kind) | (opaque ? 8 : 0) | (entry.xattrs !== undefined && entry.kind !== 'hardlink' ? 16 : 0),
    )
    writePath(out, previousPath, entry.path)
    previousPath = entry.path
    if (entry.kind === 'hardlink') {
      out.varint(linkTargets.indexOf(entry.path, entry.target, i))
      continue
    }
    if (entry.kind === 'whiteout') continue
    out.varint(tables.attributes.of(attributeKey(entry), entry))
    if (entry.xattrs !== undefined) out.varint(tables.xattrs.of(xattrKey(entry.xattrs), entry.xattrs))
    times.push(out.length)
    out.signed(entry.mtime - previousTime)
    out.varint(entry.mtimeNs)
    times.push(out.length)
    previousTime = entry.mtime
    if (entry.kind === 'file') {
      out.varint(entry.size)
      if (digests.write(entry.digest, files++ * 32, 32, 'hex') !== 32) throw noDigest(entry.path)
    } else if (entry.kind === 'symlink') {
      out.string(entry.target)
    } else if (entry.kind === 'char' || entry.kind === 'block') {
      out.varint(entry.major)
      out.varint(entry.minor)
    }
  }
  return { rows: out.view(), times, files }
}

/** The rows with the times cut out. */
function without(rows: Buffer, times: readonly number[]): Buffer {
  const out = Buffer.allocUnsafe(rows.length)
  let length = 0
  let from = 0
  for (let i = 0; i < times.length; i += 2) {
    for (const end = times[i] as number; from < end; ) out[length++] = rows[from++] as number
    from = times[i + 1] as number
  }
  while (from < rows.length) out[length++] = rows[from++] as number
  return out.subarray(0, length)
}

/** Front coding: how many bytes the path has in common with the one before, then the rest. */
function writePath(out: ByteSink, previous: ByteString, path: ByteString): void {
  const most = Math.min(previous.length, path.length)
  let shared = 0
  while (shared < most && previous.charCodeAt(shared) === path.charCodeAt(shared)) shared++
  out.varint(shared)
  out.stringFrom(path, shared)
}

function attributeKey(entry: Entry): string | number {
  // Almost every entry has small owners; one number is a much faster key than a string.
  if (entry.uid < 0x10000 && entry.gid < 0x10000) return (entry.mode * 0x10000 + entry.uid) * 0x10000 + entry.gid
  return `${entry.mode} ${entry.uid} ${entry.gid}`
}

function xattrKey(xattrs: readonly Xattr[]): string {
  return JSON.stringify(xattrs.map(({ name, value }) => [name, value]))
}

function encodeTables(tables: Tables, out: ByteSink): void {
  out.varint(tables.attributes.values.length)
  for (const { mode, uid, gid } of tables.attributes.values) {
    out.varint(mode)
    out.varint(uid)
    out.varint(gid)
  }
  out.varint(tables.xattrs.values.length)
  for (const set of tables.xattrs.values) {
    out.varint(set.length)
    for (const { name, value } of set) {
      out.string(Buffer.from(name, 'utf8').toString('latin1'))
      out.string(value)
    }
  }
}

/** Finds the row of a hard link's file. */
class LinkTargets {
  readonly #toc: Toc
  #rows: Map<ByteString, number> | undefined

  constructor(toc: Toc) {
    this.#toc = toc
  }

  indexOf(path: ByteString, target: ByteString, before: number): number {
    this.#rows ??= new Map(this.#toc.entries.flatMap((entry, i) => (entry.kind === 'file' ? [[entry.path, i]] : [])))
    const row = this.#rows.get(target)
    if (row !== undefined && row < before) return row
    throw linkError(path, target)
  }
}

function unordered(previous: ByteString, path: ByteString): ShaleError {
  const what = previous === path ? 'is listed twice' : `is listed after ${JSON.stringify(previous)}`
  return new ShaleError('TOC_INVALID', `${JSON.stringify(path)} ${what} in a layer's table of contents`)
}

function noDigest(path: ByteString): ShaleError {
  return new ShaleError(
    'TOC_INVALID',
    `file ${JSON.stringify(path)} of a layer's table of contents has no sha256 digest`,
  )
}

export function linkError(path: ByteString, target: ByteString): ShaleError {
  const what = `hard link ${JSON.stringify(path)} names ${JSON.stringify(target)}`
  return new ShaleError('TOC_INVALID', `${what}, which is no earlier file of the layer`)
}
