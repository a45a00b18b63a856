import { randomBytes } from 'node:crypto'
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { ShaleError, writing } from '../error.ts'
import { entryOf } from '../layer/clean.ts'
import type { Content } from '../layer/content.ts'
import { decompressArchive } from '../layer/decompress-archive.ts'
import type { ByteString, Entry } from '../layer/entry.ts'
import { readTar, type TarMember } from '../tar/read.ts'
import { type ArMember, readArMembers } from './ar.ts'

/** A package, unpacked. */
export interface Deb {
  /** The control file, as it is. */
  readonly control: string
  /** The other files of its control part that are text: `postinst`, `conffiles`, `md5sums`, … */
  readonly scripts: ReadonlyMap<string, string>
  /** In the order of the archive; files have no digest yet. */
  readonly entries: readonly Entry[]
  /** Of every file, by path. */
  readonly contents: ReadonlyMap<ByteString, Content>
}

export interface UnpackOptions {
  /** For messages. */
  readonly what: string
  /** A folder for the content of larger files. */
  readonly folder: string
  /** False for paths that are to be left out. */
  readonly keeps: (path: ByteString) => boolean
}

/** Control parts with more than this many bytes are refused. */
const CONTROL_LIMIT = 16 * 1024 * 1024
/** Most bytes of files that one package may have. */
const DATA_LIMIT = 8 * 1024 * 1024 * 1024

/**
 * Reads a package: members in xz, gzip, zstd or plain. Folders that are links into /usr today are taken for what they
 * link to, so that packages from before and after that change agree. Throws `PACKAGE_INVALID`, and what the tar reader
 * and the decompression throw.
 */
export async function unpackDeb(path: string, options: UnpackOptions): Promise<Deb> {
  const members = await readArMembers(path, options.what)
  const find = (prefix: string): ArMember => {
    const found = members.find(({ name }) => name === prefix || name.startsWith(`${prefix}.`))
    if (found !== undefined) return found
    throw new ShaleError('PACKAGE_INVALID', `${options.what} is no Debian package: it has no ${prefix}`)
  }
  const [control, data] = [find('control.tar'), find('data.tar')]
  const [texts, files] = await Promise.all([
    readControl(memberBytes(path, control), options.what),
    readData(memberBytes(path, data), options),
  ])
  const { control: own, ...scripts } = Object.fromEntries(texts)
  if (own === undefined) throw new ShaleError('PACKAGE_INVALID', `${options.what} has no control file`)
  return { control: own, scripts: new Map(Object.entries(scripts)), ...files }
}

function memberBytes(path: string, { offset, size }: ArMember): AsyncIterable<Uint8Array> {
  if (size === 0) return noBytes()
  return createReadStream(path, { start: offset, end: offset + size - 1, highWaterMark: 256 * 1024 })
}

async function* noBytes(): AsyncGenerator<Uint8Array> {}

async function readControl(bytes: AsyncIterable<Uint8Array>, what: string): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>()
  let size = 0
  for await (const member of readTar(decompressArchive(bytes))) {
    if (member.header.kind !== 'file') continue
    size += member.header.size
    if (size > CONTROL_LIMIT) throw new ShaleError('PACKAGE_INVALID', `the control part of ${what} is too large`)
    texts.set(
      member.header.path.replace(/^\.?\/+/, ''),
      Buffer.concat(await Array.fromAsync(member.content)).toString(),
    )
  }
  return texts
}

async function readData(
  bytes: AsyncIterable<Uint8Array>,
  { what, folder, keeps }: UnpackOptions,
): Promise<Pick<Deb, 'entries' | 'contents'>> {
  const entries: Entry[] = []
  const contents = new Map<ByteString, Content>()
  let size = 0
  for await (const member of readTar(decompressArchive(bytes))) {
    const found = entryOf(member.header)
    if (found === undefined || found.kind === 'opaque' || found.kind === 'whiteout') {
      throw new ShaleError('PACKAGE_INVALID', `${what} has a file whose name an image cannot hold`)
    }
    size += member.header.size
    if (size > DATA_LIMIT) throw new ShaleError('PACKAGE_INVALID', `${what} unpacks to more than ${DATA_LIMIT} bytes`)
    const entry = merged(found)
    if (!keeps(entry.path)) continue
    if (entry.kind === 'file') contents.set(entry.path, await keep(member, folder))
    if (entry.kind === 'hardlink') contents.set(entry.path, linked(contents, entry.target, what))
    entries.push(entry)
  }
  return { entries, contents }
}

/** Small files stay in memory; others go to files of their own. */
async function keep({ whole, content }: TarMember, folder: string): Promise<Content> {
  // The reader's bytes are a part of a larger piece, which would be kept with them.
  if (whole !== undefined) return Buffer.from(whole)
  const path = join(folder, randomBytes(9).toString('hex'))
  const file = openSync(path, 'wx', 0o600)
  try {
    for await (const chunk of content) {
      for (let at = 0; at < chunk.byteLength; ) at += writing(path, () => writeSync(file, chunk, at))
    }
  } finally {
    closeSync(file)
  }
  return { path }
}

function linked(contents: ReadonlyMap<ByteString, Content>, target: ByteString, what: string): Content {
  const content = contents.get(target)
  if (content !== undefined) return content
  throw new ShaleError('PACKAGE_INVALID', `${what} has a hard link to ${JSON.stringify(target)}, which is left out`)
}

/** Folders of the root that are links to the folders of this name in /usr. */
export const MERGED = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32', 'libo32'] as const

const IN_MERGED = new RegExp(`^(?:${MERGED.join('|')})(?:/|$)`)

function merged(entry: Entry): Entry {
  // base-files has the links themselves.
  if (entry.kind === 'symlink' && (MERGED as readonly string[]).includes(entry.path)) return entry
  const path = mergedPath(entry.path)
  if (entry.kind === 'hardlink') return { ...entry, path, target: mergedPath(entry.target) }
  return path === entry.path ? entry : { ...entry, path }
}

function mergedPath(path: ByteString): ByteString {
  return IN_MERGED.test(path) ? `usr/${path}` : path
}
