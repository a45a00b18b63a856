import { ShaleError } from '../error.ts'
import { shortDigest } from '../oci/digest.ts'
import { familiarReference, parseReference } from '../oci/reference.ts'
import type { ArchiveItem } from './item.ts'
import type { Selected } from './selection.ts'

/** The items of one image; what fails with them says of which image. */
export async function* namingImage(
  image: Selected,
  items: () => AsyncIterable<ArchiveItem>,
): AsyncGenerator<ArchiveItem> {
  try {
    for await (const { path, size, open } of items()) yield { path, size, open: () => naming(image, open()) }
  } catch (error) {
    throw named(image, error)
  }
}

async function* naming(image: Selected, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes
  } catch (error) {
    throw named(image, error)
  }
}

/** The store's errors know blobs by their digests only. */
function named({ id, names: [name] }: Selected, error: unknown): unknown {
  if (!(error instanceof ShaleError) || !/^(?:BLOB|LAYER|IMAGE|PLATFORM)_/.test(error.code)) return error
  const label = name === undefined ? shortDigest(id) : familiarReference(parseReference(name))
  return new ShaleError(error.code, `cannot save ${label}: ${error.message}`, {
    cause: error,
    hint: error.hint ?? 'pull or build the image again to get it back',
    exitCode: error.exitCode,
  })
}
