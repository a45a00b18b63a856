import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { ByteString, TarHeader } from '../src/tar/header.ts'
import { readTar, type TarMember } from '../src/tar/read.ts'

/** A root file system in lines that can be compared: path to type, mode, owner and content digest or target. */
export type Tree = ReadonlyMap<ByteString, string>

/** The merged tree of the one image in a docker-archive with plain layers. Times are left out: they are of the build. */
export async function archiveTree(archive: string): Promise<Tree> {
  const layers = await layerNames(archive)
  const contents = new Map<string, readonly LayerEntry[]>()
  for await (const { header, content, whole } of readTar(createReadStream(archive, { highWaterMark: 1 << 20 }))) {
    if (!layers.includes(header.path) || header.kind !== 'file') continue
    contents.set(header.path, await layerEntries(whole === undefined ? content : once(whole)))
  }
  const tree = new Map<ByteString, string>()
  for (const name of layers) {
    const entries = contents.get(name)
    if (entries === undefined) throw new Error(`${archive} lacks its layer ${name}`)
    apply(tree, entries)
  }
  return tree
}

async function layerNames(archive: string): Promise<readonly string[]> {
  for await (const member of readTar(createReadStream(archive, { highWaterMark: 1 << 20 }))) {
    if (member.header.path !== 'manifest.json') continue
    const chunks: Uint8Array[] = []
    for await (const chunk of bytesOf(member)) chunks.push(chunk)
    const [image] = JSON.parse(Buffer.concat(chunks).toString()) as readonly { readonly Layers: readonly string[] }[]
    return image?.Layers ?? []
  }
  throw new Error(`${archive} has no manifest.json`)
}

interface LayerEntry {
  readonly path: ByteString
  readonly line: string
  /** Of hard links: the path whose line is theirs. */
  readonly same?: ByteString
}

async function layerEntries(layer: AsyncIterable<Uint8Array>): Promise<readonly LayerEntry[]> {
  const entries: LayerEntry[] = []
  for await (const member of readTar(layer)) {
    const path = clean(member.header.path)
    if (path === '') continue
    if (member.header.kind === 'hardlink') entries.push({ path, line: '', same: clean(member.header.target) })
    else entries.push({ path, line: await describe(member) })
  }
  return entries
}

/** Deletions of a layer come before what it adds, whatever their order in its tar. */
function apply(tree: Map<ByteString, string>, entries: readonly LayerEntry[]): void {
  for (const { path } of entries) {
    const slash = path.lastIndexOf('/') + 1
    const name = path.slice(slash)
    if (name === '.wh..wh..opq') removeBelow(tree, path.slice(0, slash))
    else if (name.startsWith('.wh.')) {
      const removed = `${path.slice(0, slash)}${name.slice(4)}`
      tree.delete(removed)
      removeBelow(tree, `${removed}/`)
    }
  }
  for (const { path, line, same } of entries) {
    if (path.slice(path.lastIndexOf('/') + 1).startsWith('.wh.')) continue
    const old = tree.get(path)
    if (old?.startsWith('directory') && !line.startsWith('directory')) removeBelow(tree, `${path}/`)
    tree.set(path, same === undefined ? line : (tree.get(same) ?? `link to ${same}`))
  }
}

function removeBelow(tree: Map<ByteString, string>, prefix: string): void {
  for (const path of tree.keys()) if (path.startsWith(prefix)) tree.delete(path)
}

async function describe(member: TarMember): Promise<string> {
  const { kind, mode, uid, gid, target, major, minor, xattrs } = member.header
  const parts = [kind, kind === 'symlink' ? '' : mode.toString(8).padStart(4, '0'), `${uid}:${gid}`]
  if (kind === 'symlink') parts.push(target)
  if (kind === 'char' || kind === 'block') parts.push(`${major}:${minor}`)
  if (kind === 'file') parts.push((await digestOf(member)).digest('hex'))
  return [...parts, ...xattrs.map(({ name, value }) => `${name}=${value}`)].join(' ')
}

async function digestOf(member: TarMember): Promise<Hash> {
  const hash = createHash('sha256')
  for await (const chunk of bytesOf(member)) hash.update(chunk)
  return hash
}

function bytesOf({ whole, content }: TarMember): AsyncIterable<Uint8Array> {
  return whole === undefined ? content : once(whole)
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

function clean(path: TarHeader['path']): ByteString {
  return path.replace(/^(\.?\/)+/, '').replace(/^\.$/, '')
}

/** Files that engines themselves leave where they ran a command; Docker's and buildah's are empty. */
const OF_ENGINES = /^(etc\/(hosts|hostname|resolv\.conf|mtab)|dev(\/.*)?|proc|sys|run(\/.*)?)$/

/** `PATH: THEIRS, ours OURS` for what differs, at most `limit` lines, and how many there are. */
export function treeDifferences(ours: Tree, theirs: Tree, limit = 5): readonly string[] {
  const paths = new Set([...ours.keys(), ...theirs.keys()])
  const lines = [...paths]
    .filter(path => ours.get(path) !== theirs.get(path) && !OF_ENGINES.test(path))
    .map(path => `/${path}: ${theirs.get(path) ?? 'missing'}, ours ${ours.get(path) ?? 'missing'}`)
  return lines.length <= limit ? lines : [...lines.slice(0, limit), `and ${lines.length - limit} more`]
}
