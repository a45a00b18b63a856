import type { Descriptor } from '../oci/descriptor.ts'
import { type Digest, digestHex, sha256 } from '../oci/digest.ts'
import { MediaType } from '../oci/media-types.ts'
import type { Platform } from '../oci/platform.ts'
import { familiarName, familiarReference, parseReference } from '../oci/reference.ts'
import type { Store, StoredImage } from '../store/types.ts'
import { type ArchiveItem, bytesItem, jsonItem } from './item.ts'
import { blobPath, LAYOUT } from './layout.ts'
import { namingImage } from './name-image.ts'
import { plainLayer } from './plain-layer.ts'
import { encodeManifest } from './plain-manifest.ts'
import { encodeIndex, indexEntries } from './save-oci.ts'
import type { Selected } from './selection.ts'

/** What an archive has gathered of one image. */
interface Saved {
  readonly image: StoredImage
  readonly names: readonly string[]
  readonly manifest: Descriptor
}

/**
 * A docker-archive's files, as docker 25 and later lay them out: plain layers and configs under `blobs/sha256/`, which
 * `manifest.json` points at for any docker since 1.10, and an OCI `index.json` over the same plain layers for those that
 * look for it first. Its manifests are the ones that `loadDocker` makes, so both ways in give one image ID. Of an index
 * the platform's image is taken.
 */
export async function* dockerItems(
  store: Store,
  images: readonly Selected[],
  platform: Platform | undefined,
): AsyncGenerator<ArchiveItem> {
  const done = new Map<Digest, number>()
  const saved: Saved[] = []
  const imageItems = async function* ({ id, names }: Selected): AsyncGenerator<ArchiveItem> {
    const image = await store.images.open(id, platform)
    yield* layerItems(store, image, done)
    const config = { mediaType: MediaType.ociConfig, digest: sha256(image.rawConfig), size: image.rawConfig.byteLength }
    const layers = image.config.rootfs.diff_ids.map(digest => {
      return { mediaType: MediaType.ociLayerTar, digest, size: done.get(digest) ?? 0 }
    })
    const raw = encodeManifest(config, layers)
    const manifest = { mediaType: MediaType.ociManifest, digest: sha256(raw), size: raw.byteLength }
    for (const bytes of [image.rawConfig, raw]) {
      if (!done.has(sha256(bytes))) yield bytesItem(blobPath(sha256(bytes)), bytes)
      done.set(sha256(bytes), bytes.byteLength)
    }
    saved.push({ image, names, manifest })
  }
  for (const image of images) yield* namingImage(image, () => imageItems(image))
  yield bytesItem('index.json', encodeIndex(saved.flatMap(({ manifest, names }) => indexEntries(manifest, names))))
  yield jsonItem('manifest.json', saved.map(manifestEntry))
  yield jsonItem('oci-layout', LAYOUT)
  const repositories = repositoriesOf(saved)
  if (Object.keys(repositories).length > 0) yield jsonItem('repositories', repositories)
}

async function* layerItems(store: Store, image: StoredImage, done: Map<Digest, number>): AsyncGenerator<ArchiveItem> {
  for (const [index, diffId] of image.config.rootfs.diff_ids.entries()) {
    const layer = image.manifest.layers[index]
    if (done.has(diffId) || layer === undefined) continue
    const plain = await plainLayer(store, layer, diffId)
    try {
      yield { path: blobPath(diffId), size: plain.size, open: plain.stream }
      done.set(diffId, plain.size)
    } finally {
      await plain.end()
    }
  }
}

/** Names as docker shows them: `debian:trixie`. */
function manifestEntry({ image, names }: Saved) {
  return {
    Config: blobPath(sha256(image.rawConfig)),
    RepoTags: names.length === 0 ? null : names.map(name => familiarReference(parseReference(name))),
    Layers: image.config.rootfs.diff_ids.map(blobPath),
  }
}

/** What docker before 1.10 looked for; docker still writes it. */
function repositoriesOf(saved: readonly Saved[]): Readonly<Record<string, Readonly<Record<string, string>>>> {
  const repositories: Record<string, Record<string, string>> = {}
  for (const { image, names } of saved) {
    const top = image.config.rootfs.diff_ids.at(-1)
    for (const reference of top === undefined ? [] : names.map(parseReference)) {
      const name = familiarName(reference)
      repositories[name] = { ...repositories[name], [reference.tag ?? 'latest']: digestHex(top as Digest) }
    }
  }
  return repositories
}
