import { gzipSync, zstdCompressSync } from 'node:zlib'
import { type Digest, sha256 } from '../oci/digest.ts'
import { type Compression, MediaType, ociLayerType } from '../oci/media-types.ts'
import { padding, type TarEntry } from '../tar/header.ts'
import { END_OF_ARCHIVE, encodeHeader } from '../tar/write.ts'

/** Bytes of a tar with these files. */
export function tarOf(files: Readonly<Record<string, string | Uint8Array>>, more: readonly TarEntry[] = []): Buffer {
  const common = { mode: 0o644, uid: 0, gid: 0, mtime: 1_700_000_000, mtimeNs: 0 }
  const parts: Uint8Array[] = []
  for (const [path, content] of Object.entries(files)) {
    const bytes = Buffer.from(content)
    parts.push(encodeHeader({ path, kind: 'file', ...common, size: bytes.byteLength }), bytes)
    parts.push(new Uint8Array(padding(bytes.byteLength)))
  }
  for (const entry of more) parts.push(encodeHeader(entry))
  return Buffer.concat([...parts, END_OF_ARCHIVE])
}

export interface TestImage {
  readonly manifest: Buffer
  readonly digest: Digest
  readonly mediaType: string
  readonly config: Buffer
  /** Config and layers by digest. */
  readonly blobs: ReadonlyMap<Digest, Buffer>
}

export interface TestImageSpec {
  /** Plain tars of the layers. */
  readonly layers: readonly Buffer[]
  readonly compression?: Compression
  readonly architecture?: string
  readonly docker?: boolean
}

/** A complete image, made without any of the code under test. */
export function imageOf(spec: TestImageSpec): TestImage {
  const { compression = 'gzip', docker = false } = spec
  const config = Buffer.from(
    JSON.stringify({
      architecture: spec.architecture ?? 'amd64',
      os: 'linux',
      config: { Cmd: ['/bin/sh'], Env: ['PATH=/bin'] },
      rootfs: { type: 'layers', diff_ids: spec.layers.map(layer => sha256(layer)) },
      history: spec.layers.map((_, index) => ({ created_by: `step ${index}` })),
    }),
  )
  const packed = spec.layers.map(layer => compress(layer, compression))
  const describe = (mediaType: string, bytes: Buffer) => ({ mediaType, digest: sha256(bytes), size: bytes.byteLength })
  const mediaType = docker ? MediaType.dockerManifest : MediaType.ociManifest
  const layerType = docker && compression === 'gzip' ? MediaType.dockerLayerGzip : ociLayerType(compression)
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType,
      config: describe(docker ? MediaType.dockerConfig : MediaType.ociConfig, config),
      layers: packed.map(layer => describe(layerType, layer)),
    }),
  )
  const blobs = new Map([config, ...packed].map(bytes => [sha256(bytes), bytes]))
  return { manifest, digest: sha256(manifest), mediaType, config, blobs }
}

function compress(bytes: Buffer, compression: Compression): Buffer {
  if (compression === 'none') return bytes
  return compression === 'gzip' ? gzipSync(bytes) : zstdCompressSync(bytes)
}

/** An index of these images, each for its config's platform. */
export function indexOf(images: readonly TestImage[]): { readonly raw: Buffer; readonly digest: Digest } {
  const manifests = images.map(image => {
    const { architecture, os } = JSON.parse(image.config.toString())
    const { mediaType, digest, manifest } = image
    return { mediaType, digest, size: manifest.byteLength, platform: { architecture, os } }
  })
  const raw = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests }))
  return { raw, digest: sha256(raw) }
}
