import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Entry } from '../layer/entry.ts'
import { type Toc, tocOf } from '../layer/toc.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Digest, digestHex, sha256 } from '../oci/digest.ts'
import { MediaType } from '../oci/media-types.ts'
import { type LocalStore, openStore, type StoreOptions } from './open.ts'
import type { LayerRecord, Lease } from './types.ts'

/** A store in a temporary folder that goes when the test ends. */
export function temporaryStore(t: TestContext, options: Omit<StoreOptions, 'root'> = {}): LocalStore {
  const store = openStore({ root: temporaryFolder(t), ...options })
  t.after(() => store.close())
  return store
}

export function temporaryFolder(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'shale-store-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  return root
}

/** A table of contents of files with these contents. */
export function tocOfFiles(files: Readonly<Record<string, string>>, mtime = 0): Toc {
  const common = { mode: 0o644, uid: 0, gid: 0, mtime, mtimeNs: 0 }
  return tocOf(
    Object.entries(files).map(
      ([path, text]): Entry => ({
        kind: 'file',
        path,
        ...common,
        size: Buffer.byteLength(text),
        digest: digestHex(sha256(text)),
      }),
    ),
  )
}

/** A packed layer: its "tar" is only some text, which the store never looks into. */
export async function addLayer(store: LocalStore, lease: Lease, text: string): Promise<LayerRecord> {
  const { digest, size } = await store.blobs.put(lease, Buffer.from(`blob of ${text}`))
  const diffId = sha256(`tar of ${text}`)
  const layer = await store.layers.add(lease, { toc: tocOfFiles({ file: text }), diffId })
  return store.layers.setPacked(lease, layer.id, diffId, {
    digest,
    size,
    compression: 'zstd',
    mediaType: MediaType.ociLayerZstd,
    packer: 'test',
  })
}

export interface ImageSpec {
  readonly layers: readonly LayerRecord[]
  readonly architecture?: string
  readonly labels?: Readonly<Record<string, string>>
  /** Makes otherwise equal images differ. */
  readonly author?: string
}

export async function addImage(store: LocalStore, lease: Lease, spec: ImageSpec): Promise<Descriptor> {
  const { raw } = await putManifest(store, lease, spec)
  return await store.images.add(lease, raw, MediaType.ociManifest)
}

/** Writes config and manifest without registering the image. */
export async function putManifest(
  store: LocalStore,
  lease: Lease,
  spec: ImageSpec,
): Promise<{ readonly raw: Buffer; readonly digest: Digest }> {
  const config = {
    architecture: spec.architecture ?? 'amd64',
    os: 'linux',
    author: spec.author,
    config: { Labels: spec.labels },
    rootfs: { type: 'layers', diff_ids: spec.layers.map(layer => layer.diffId) },
  }
  const stored = await store.blobs.put(lease, Buffer.from(JSON.stringify(config)))
  const raw = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MediaType.ociManifest,
      config: { mediaType: MediaType.ociConfig, ...stored },
      layers: spec.layers.map(layer => {
        const blob = layer.blobs[0]
        return { mediaType: blob?.mediaType, digest: blob?.digest, size: blob?.size }
      }),
    }),
  )
  return { raw, digest: sha256(raw) }
}
