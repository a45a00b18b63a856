import { ShaleError } from '../error.ts'
import { CONFIG_TYPES } from '../oci/config-types.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { formatPlatform } from '../oci/platform.ts'
import type { Lease, Store } from '../store/types.ts'
import { imageDocument } from '../transfer/document.ts'
import type { OnTransferEvent } from '../transfer/events.ts'
import { ingestImage } from '../transfer/ingest.ts'
import { ingestArtifact, ingestDocument } from '../transfer/ingest-blob.ts'
import { storeContent } from '../transfer/store-content.ts'
import type { ImageSource, Pusher } from './types.ts'

/** An image of the store, with what refers to it there. */
export function storeSource(store: Store, id: Digest, name: string, imageName: string | undefined): ImageSource {
  const read = async (digest: Digest, mediaType: string | undefined) =>
    imageDocument(await store.blobs.read(digest), digest, mediaType)
  return {
    ...storeContent(store),
    name,
    imageName: imageName?.includes('@') ? undefined : imageName,
    resolve: () => read(id, store.images.get(id)?.mediaType),
    document: async (descriptor: Descriptor) => {
      if (store.blobs.size(descriptor.digest) === undefined) throw notHere(name, descriptor)
      return await read(descriptor.digest, descriptor.mediaType)
    },
    referrers: digest =>
      Promise.all(
        store.referrers.of(digest).map(async referrer => {
          const { descriptor, parsed } = await read(referrer, undefined)
          const artifactType = parsed.kind === 'manifest' ? parsed.manifest.artifactType : undefined
          return { ...descriptor, ...(artifactType !== undefined && { artifactType }) }
        }),
      ),
  }
}

function notHere(name: string, { digest, platform }: Descriptor): ShaleError {
  const whose = platform === undefined ? '' : ` for ${formatPlatform(platform)}`
  return new ShaleError('IMAGE_INCOMPLETE', `${name} names an image${whose} (${digest}) that is not in the store`, {
    hint: 'copy one platform’s image (without --all-platforms), or name where all of them are: docker://NAME',
  })
}

/** The store, under a complete name or none. What is brought there stays as long as the lease, or the name. */
export function storeTarget(
  store: Store,
  lease: Lease,
  name: string | undefined,
  onEvent?: OnTransferEvent | undefined,
): Pusher {
  return {
    name: name ?? 'the store',
    async push({ raw, descriptor, parsed }, from, signal) {
      if (parsed.kind === 'index') await store.images.add(lease, raw, descriptor.mediaType)
      else if (CONFIG_TYPES.has(parsed.manifest.config.mediaType)) {
        await ingestImage(store, lease, from, raw, descriptor.mediaType, { signal, onEvent })
      } else {
        // An attestation in an index, say.
        await ingestArtifact(store, lease, from, parsed.manifest, signal)
        await ingestDocument(store, lease, raw, descriptor)
      }
    },
    async attach({ raw, descriptor, parsed }, from, signal) {
      const manifest = parsed.kind === 'manifest' ? parsed.manifest : undefined
      if (manifest?.subject === undefined) {
        throw new ShaleError('INVALID_MANIFEST', `${from.name}: ${descriptor.digest} refers to no image`)
      }
      await ingestArtifact(store, lease, from, manifest, signal)
      await ingestDocument(store, lease, raw, descriptor)
      const blobs = [manifest.config, ...manifest.layers].map(({ digest }) => digest)
      store.referrers.add(lease, manifest.subject.digest, descriptor.digest, blobs)
    },
    async finish({ descriptor }) {
      if (name !== undefined) store.images.tag(name, descriptor.digest, 'copy')
    },
  }
}
