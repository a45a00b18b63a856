import type { Platform } from '../oci/platform.ts'
import type { Store } from '../store/types.ts'
import type { ArchiveItem } from './item.ts'
import { dockerItems } from './save-docker.ts'
import { ociItems } from './save-oci.ts'
import { type Selected, selectImages } from './selection.ts'
import { writeFolder } from './write-folder.ts'
import { tarOf } from './write-tar.ts'

/**
 * `docker-archive`: plain layers, for any version of docker; of an index the platform's image only. `oci-archive`:
 * everything as it is, the image ID kept.
 */
export type ArchiveFormat = 'docker-archive' | 'oci-archive'

export interface SaveOptions {
  /** `docker-archive` if absent. */
  readonly format?: ArchiveFormat | undefined
  /** For docker-archives; the host's if absent. */
  readonly platform?: Platform | undefined
}

/**
 * The bytes of an archive with these images, as they are made. References are names, IDs or their beginnings; a
 * repository without a tag means all its tags. Equal images give equal bytes. Throws `IMAGE_NOT_FOUND`,
 * `IMAGE_AMBIGUOUS` before the first byte, and the store's errors.
 */
export function saveArchive(
  store: Store,
  references: readonly string[],
  options: SaveOptions = {},
): AsyncGenerator<Uint8Array> {
  const { format = 'docker-archive', platform } = options
  const images = selectImages(store, references)
  return tarOf(
    held(store, images, () =>
      format === 'oci-archive' ? ociItems(store, images) : dockerItems(store, images, platform),
    ),
  )
}

/** Writes the images as an OCI layout folder; see `writeFolder`. */
export async function saveLayout(store: Store, references: readonly string[], folder: string): Promise<void> {
  const images = selectImages(store, references)
  await writeFolder(
    folder,
    held(store, images, () => ociItems(store, images)),
  )
}

/** Keeps the images from being collected while their items are read. */
async function* held(
  store: Store,
  images: readonly Selected[],
  items: () => AsyncIterable<ArchiveItem>,
): AsyncGenerator<ArchiveItem> {
  const lease = store.lease('save')
  try {
    for (const { id } of images) store.hold(lease, { kind: 'image', id })
    yield* items()
  } finally {
    lease.end()
  }
}
