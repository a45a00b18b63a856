import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { createCleartextMessage, generateKey, readPrivateKey, sign } from 'openpgp'
import { fixtureTree, type Tree } from './fixture.ts'

export interface ArchivePackage {
  /** Fields of its control file besides name, version 1.0 and architecture `all`. */
  readonly fields?: Readonly<Record<string, string>>
  readonly files: Tree
  /** How its data is compressed; gzip if absent. */
  readonly compression?: 'gz' | 'zst' | 'xz'
}

export interface PackageArchive {
  readonly folder: string
  /** What `--repository` takes. */
  readonly line: string
  /** The file with the key that signed it, and one with another. */
  readonly keyring: string
  readonly otherKeyring: string
}

/** A small package archive in a folder, signed by a key of its own. */
export async function packageArchive(
  folder: string,
  packages: Readonly<Record<string, ArchivePackage>>,
  release: Readonly<Record<string, string>> = {},
): Promise<PackageArchive> {
  const stanzas = await Promise.all(Object.entries(packages).map(entry => writePackage(folder, entry)))
  const index = gzipSync(stanzas.join('\n'))
  const dists = join(folder, 'dists/stable')
  await mkdir(join(dists, 'main/binary-amd64'), { recursive: true })
  await writeFile(join(dists, 'main/binary-amd64/Packages.gz'), index)
  const fields = { Suite: 'stable', Codename: 'test', Date: 'Mon, 02 Nov 2026 00:00:00 UTC', ...release }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`)
  const text = [...lines, 'SHA256:', ` ${sha256(index)} ${index.length} main/binary-amd64/Packages.gz`, ''].join('\n')
  const [key, other] = await Promise.all([newKey(), newKey()])
  const signingKeys = await readPrivateKey({ armoredKey: key.privateKey })
  const message = await createCleartextMessage({ text })
  await writeFile(join(dists, 'InRelease'), await sign({ message, signingKeys }))
  const [keyring, otherKeyring] = [join(folder, 'key.asc'), join(folder, 'other.asc')]
  await Promise.all([writeFile(keyring, key.publicKey), writeFile(otherKeyring, other.publicKey)])
  return { folder, line: `file://${folder} stable main`, keyring, otherKeyring }
}

function newKey() {
  return generateKey({ userIDs: [{ name: 'archive' }], type: 'ecc', curve: 'ed25519Legacy' })
}

async function writePackage(folder: string, [name, about]: readonly [string, ArchivePackage]): Promise<string> {
  const { fields = {}, files, compression = 'gz' } = about
  const control = Object.entries({ Package: name, Version: '1.0', Architecture: 'all', ...fields })
    .map(([field, value]) => `${field}: ${value}\n`)
    .join('')
  const root = await fixtureTree(join(folder, `work/${name}`), { ...files })
  const meta = await fixtureTree(join(folder, `work/${name}.control`), { control })
  const deb = Buffer.concat([
    Buffer.from('!<arch>\n'),
    member('debian-binary', Buffer.from('2.0\n')),
    member('control.tar.gz', gzipSync(tar(meta))),
    member(`data.tar.${compression}`, compress(tar(root), compression)),
  ])
  await mkdir(join(folder, 'pool'), { recursive: true })
  await writeFile(join(folder, `pool/${name}.deb`), deb)
  return `${control}Filename: pool/${name}.deb\nSize: ${deb.length}\nSHA256: ${sha256(deb)}\n`
}

function tar(folder: string): Buffer {
  const owner = ['--owner=0', '--group=0', '--numeric-owner', '--sort=name', '--mtime=@1000000000']
  return execFileSync('tar', ['-C', folder, ...owner, '-cf', '-', '.'], { maxBuffer: 1 << 26 })
}

function compress(bytes: Buffer, how: 'gz' | 'zst' | 'xz'): Buffer {
  if (how === 'gz') return gzipSync(bytes)
  return how === 'zst' ? zstdCompressSync(bytes) : execFileSync('xz', ['-c'], { input: bytes })
}

function member(name: string, bytes: Buffer): Buffer {
  const header = `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${String(bytes.length).padEnd(10)}\`\n`
  return Buffer.concat([Buffer.from(header), bytes, Buffer.alloc(bytes.length % 2, '\n')])
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Changes one byte in the middle of a file. */
export async function damage(path: string): Promise<void> {
  const bytes = await readFile(path)
  const at = bytes.length >> 1
  bytes[at] = (bytes[at] as number) ^ 1
  await writeFile(path, bytes)
}
