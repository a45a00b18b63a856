import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { fixtureTree } from '../support/fixture.ts'
import { type Snapshot, snapshotTree } from '../support/snapshot.ts'
import { setXattr } from '../support/xattr.ts'
import { peer } from './sample.ts'

/** The time of every file that comes from a context or an archive. */
export const CONTEXT_TIME = 1_500_000_000
/** `cap_net_bind_service=ep` as the kernel keeps it, version 2. */
const CAPABILITY = Buffer.from('0100000200040000000000000000000000000000', 'hex')

/** Archives for contexts, by name: one tree in all compressions, with owners, modes, links and attributes. */
export async function contextArchives(folder: string): Promise<Readonly<Record<string, Uint8Array>>> {
  await fixtureTree(folder, {
    'etc/conf': { content: 'conf', owner: [11, 12], mtime: CONTEXT_TIME },
    'etc/again': { hardlink: 'etc/conf' },
    'bin/serve': { content: 'serve', mode: 0o755, mtime: CONTEXT_TIME },
    'bin/root': { content: 'root', mode: 0o4755, mtime: CONTEXT_TIME },
    link: { symlink: 'etc/conf', mtime: CONTEXT_TIME },
    'private/': { mode: 0o700, owner: [13, 14], mtime: CONTEXT_TIME },
    'etc/': { mtime: CONTEXT_TIME },
    'bin/': { mtime: CONTEXT_TIME },
  })
  setXattr(join(folder, 'bin/serve'), 'security.capability', CAPABILITY)
  setXattr(join(folder, 'etc/conf'), 'user.note', Buffer.from('note'))
  const args = ['--format=posix', '--xattrs', '--xattrs-include=*', '--numeric-owner', '--sort=name', '-C', folder]
  const tar = execFileSync('tar', [...args, '-c', 'bin', 'etc', 'link', 'private'])
  return {
    't.tar': tar,
    't.tar.gz': gzipSync(tar),
    'odd-name': gzipSync(tar),
    't.tar.xz': execFileSync('xz', ['-c'], { input: tar }),
    't.tar.bz2': execFileSync('bzip2', ['-c'], { input: tar }),
    't.tar.zst': zstdCompressSync(tar),
    'plain.gz': gzipSync('no archive'),
  }
}

/** What an image is, in lines that can be compared: `tree PATH FIELD: VALUE`, `config FIELD: VALUE`, `history N: …`. */
export type Described = ReadonlyMap<string, string>

interface ConfigDocument {
  readonly config?: Readonly<Record<string, unknown>>
  readonly history?: readonly { readonly created_by?: string; readonly empty_layer?: boolean }[]
  readonly rootfs: { readonly diff_ids: readonly string[] }
}

/** Unpacks images of an OCI layout with umoci: `NAME` into `folder/NAME`, for all at once. */
export async function unpackAll(work: string, layout: string, names: readonly string[], folder: string): Promise<void> {
  const script =
    'layout=$1 folder=$2; shift 2; mkdir -p "$folder"; for n; do umoci raw unpack --image "$layout:$n" "$folder/$n" || exit; done'
  await peer(work, ['sh', '-c', script, 'sh', layout, folder, ...names])
}

export function describeImage(layout: string, name: string, root: string): Described {
  const document = configOf(layout, name)
  return new Map([...treeLines(root), ...configLines(document)])
}

function configOf(layout: string, name: string): ConfigDocument {
  const read = (path: string) => JSON.parse(readFileSync(join(layout, path), 'utf8'))
  const blob = (digest: string) => read(`blobs/${digest.replace(':', '/')}`)
  const found = read('index.json').manifests.find(
    (each: { annotations?: Record<string, string> }) =>
      each.annotations?.['org.opencontainers.image.ref.name'] === name,
  )
  if (found === undefined) throw new Error(`${layout} has no image ${name}`)
  return blob(blob(found.digest).config.digest)
}

function* treeLines(root: string): Generator<readonly [string, string]> {
  for (const [path, entry] of Object.entries(snapshotTree(root))) {
    yield [`tree /${path}`, 'is there']
    for (const [field, value] of Object.entries(fieldsOf(entry))) yield [`tree /${path} ${field}`, show(value)]
  }
}

/** Times of a build differ, and so do those of folders; those of context files and set by commands are long past. */
function fieldsOf(entry: Partial<Snapshot>): Readonly<Record<string, unknown>> {
  const { mtimeNs = 0n, size: _size, ...rest } = entry
  if (entry.type === 'dir') return rest
  const seconds = Number(mtimeNs / 1_000_000_000n)
  return { ...rest, time: seconds < CONTEXT_TIME + 1_000 ? seconds : 'of the build' }
}

function* configLines(document: ConfigDocument): Generator<readonly [string, string]> {
  for (const [field, value] of Object.entries(document.config ?? {})) {
    if (!isEmpty(value)) yield [`config ${field}`, show(value)]
  }
  for (const [at, { created_by = '', empty_layer }] of (document.history ?? []).entries()) {
    const text = created_by.replace(/ # buildkit$/, '')
    yield [`history ${at}`, `${text}${empty_layer === true ? ' (no layer)' : ''}`]
  }
  yield ['layers', String(document.rootfs.diff_ids.length)]
}

/** Docker writes `null`, `""` and `false` where nothing is set; to say nothing means the same. */
function isEmpty(value: unknown): boolean {
  return value === null || value === '' || value === false || (Array.isArray(value) && value.length === 0)
}

function show(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(sorted(value))
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** `WHAT: docker VALUE, shale VALUE` for all that differs; what only one has is told once, without its fields. */
export function differences(docker: Described, shale: Described): readonly string[] {
  const all = [...new Set([...docker.keys(), ...shale.keys()])].sort()
  const told = all.filter(key => docker.get(key) !== shale.get(key) && !isFieldOfMissing(key, docker, shale))
  return told.map(key => `${key}: docker ${docker.get(key) ?? '-'}, shale ${shale.get(key) ?? '-'}`)
}

function isFieldOfMissing(key: string, docker: Described, shale: Described): boolean {
  const path = key.startsWith('tree ') ? key.slice(0, key.lastIndexOf(' ')) : ''
  return path !== 'tree' && path !== '' && docker.has(path) !== shale.has(path)
}
