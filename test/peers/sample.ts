import { execFileSync } from 'node:child_process'
import { lutimesSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { imageOf, type TestImage } from '../../src/transfer/testing.ts'
import { fixtureTree } from '../support/fixture.ts'
import { setXattr } from '../support/xattr.ts'
import { runInPeerRoot } from './root.ts'

/** `cap_net_bind_service=ep` as the kernel keeps it, version 2. */
const CAPABILITY = Buffer.from('0100000200040000000000000000000000000000', 'hex')
/** A name that is not UTF-8, between two that are. */
const LATIN1_NAME = Buffer.from('caf\xe9', 'latin1')

/** A tree with one of everything that a layer can hold. Needs root. */
export async function sampleTree(folder: string): Promise<string> {
  await fixtureTree(folder, {
    'bin/tool': { content: '#!/bin/sh\n', mode: 0o4755, owner: [0, 1000] },
    'bin/serve': { content: 'serve', mode: 0o755 },
    'srv/data': { content: Buffer.alloc(3_000_000, 'data\n'), owner: [70_000, 3_000_000] },
    'srv/again': { hardlink: 'srv/data' },
    'srv/empty': '',
    'link-to-data': { symlink: 'srv/data' },
    dangling: { symlink: '/not/there' },
    [`deep/${'long-name-'.repeat(20)}/${'x'.repeat(120)}`]: 'far down',
    'tmp/': { mode: 0o1777 },
    'private/': { mode: 0o700, owner: [1000, 1000] },
  })
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), LATIN1_NAME]), 'name')
  mkdirSync(join(folder, 'dev'))
  execFileSync('mknod', [join(folder, 'dev/null'), 'c', '1', '3'])
  execFileSync('mkfifo', [join(folder, 'dev/pipe')])
  setXattr(join(folder, 'bin/serve'), 'security.capability', CAPABILITY)
  setXattr(join(folder, 'srv/empty'), 'user.note', Buffer.from([0, 1, 0xff, 0x0a]))
  symlinkSync('x', join(folder, 'old-link'))
  lutimesSync(join(folder, 'old-link'), 1, 1_000_000_000)
  execFileSync('touch', ['-d', '2001-02-03 04:05:06.123456789 UTC', join(folder, 'srv/data')])
  return folder
}

/** An image of one layer: the tree as GNU tar packs it. */
export function sampleImage(tree: string, compression: 'gzip' | 'zstd' | 'none' = 'gzip'): TestImage {
  const args = [
    '--format=posix',
    '--xattrs',
    '--xattrs-include=*',
    '--numeric-owner',
    '--sort=name',
    '-C',
    tree,
    '-c',
    '.',
  ]
  const layer = execFileSync('tar', args, { maxBuffer: 64 * 1024 * 1024 })
  return imageOf({ layers: [layer], compression })
}

/** Writes an image as an OCI layout folder, by hand. */
export function writeLayout(folder: string, image: TestImage, tag: string): string {
  mkdirSync(join(folder, 'blobs/sha256'), { recursive: true })
  for (const [digest, bytes] of [...image.blobs, [image.digest, image.manifest] as const]) {
    writeFileSync(join(folder, 'blobs', digest.replace(':', '/')), bytes)
  }
  const { mediaType, digest, manifest } = image
  const annotations = { 'org.opencontainers.image.ref.name': tag }
  const manifests = [{ mediaType, digest, size: manifest.byteLength, annotations }]
  writeFileSync(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }))
  writeFileSync(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
  return folder
}

/** Unpacks a layout's image with umoci and gives the root file system's folder. */
export async function umociUnpack(work: string, layout: string, tag: string, name: string): Promise<string> {
  await peer(work, ['umoci', 'unpack', '--image', `${layout}:${tag}`, join(work, name)])
  return join(work, name, 'rootfs')
}

/** Runs a peer that must succeed, with `work` bound to its own path; gives its standard output. */
export async function peer(work: string, command: readonly string[]): Promise<string> {
  const outcome = await runInPeerRoot(command, { binds: [{ host: work, inner: work }] })
  if (outcome.code !== 0) throw new Error(`${command.join(' ')}: ${outcome.stderr}${outcome.stdout}`)
  return outcome.stdout
}
