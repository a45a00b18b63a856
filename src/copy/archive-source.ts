import { blobPath, CONTAINERD_NAME, REF_NAME } from '../archive/layout.ts'
import { type DockerArchiveImage, dockerImages } from '../archive/load-docker.ts'
import { layoutContent, readDocument, readIndex } from '../archive/load-oci.ts'
import type { Shelf } from '../archive/shelf.ts'
import { ShaleError } from '../error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { sha256 } from '../oci/digest.ts'
import { MediaType } from '../oci/media-types.ts'
import { formatReference, parseReference } from '../oci/reference.ts'
import { imageDocument } from '../transfer/document.ts'
import type { ImageSource } from './types.ts'

/** An image of an OCI layout, in a folder or an archive; `name` may be left out when it has one image. */
export async function layoutSource(shelf: Shelf, name: string | undefined): Promise<ImageSource> {
  const { manifests } = await readIndex(shelf)
  const found = manifests.filter(entry => name === undefined || isNamed(entry, name))
  const top = onlyOne(found, ({ digest }) => digest, shelf, name, manifests.flatMap(namesOf))
  const document = async (descriptor: Descriptor) => {
    if (!shelf.has(blobPath(descriptor.digest))) {
      throw new ShaleError('IMAGE_INCOMPLETE', `${shelf.name} lacks the image ${descriptor.digest} of its index`)
    }
    return imageDocument(await readDocument(shelf, descriptor), descriptor.digest, descriptor.mediaType)
  }
  return {
    ...layoutContent(shelf),
    imageName: top.annotations?.[CONTAINERD_NAME],
    document,
    resolve: () => document(top),
    async referrers(digest) {
      const others = manifests.filter(entry => entry.digest !== top.digest)
      const documents = await Promise.all(others.map(async entry => ({ entry, ...(await document(entry)) })))
      return documents.flatMap(({ entry, parsed }) =>
        parsed.kind === 'manifest' && parsed.manifest.subject?.digest === digest ? [entry] : [],
      )
    },
  }
}

/** An image of a docker-archive, with the manifest that `load` would make for it. */
export async function dockerArchiveSource(shelf: Shelf, name: string | undefined): Promise<ImageSource> {
  const images = await dockerImages(shelf)
  const wanted = name === undefined ? undefined : formatReference(parseReference(name))
  const found = images.filter(({ names }) => wanted === undefined || names.includes(wanted))
  const image: DockerArchiveImage = onlyOne(
    found,
    image => image,
    shelf,
    name,
    images.flatMap(({ names }) => names),
  )
  const { manifest, source } = await image.open()
  const top = imageDocument(manifest, sha256(manifest), MediaType.ociManifest)
  const [imageName] = image.names
  return { ...source, imageName, resolve: async () => top, document: async () => top, referrers: async () => [] }
}

/** As skopeo has it, by the bare annotation; and by a complete name. */
function isNamed(entry: Descriptor, name: string): boolean {
  if (namesOf(entry).includes(name) || entry.digest === name) return true
  const complete = entry.annotations?.[CONTAINERD_NAME]
  return complete !== undefined && /[/:]/.test(name) && complete === formatReference(parseReference(name))
}

function namesOf({ annotations }: Descriptor): readonly string[] {
  return [annotations?.[CONTAINERD_NAME], annotations?.[REF_NAME]].flatMap(name => name ?? [])
}

function onlyOne<T>(
  found: readonly T[],
  identity: (item: T) => unknown,
  shelf: Shelf,
  name: string | undefined,
  names: readonly string[],
): T {
  const [first] = found
  const same = new Set(found.map(identity)).size === 1
  if (first !== undefined && same) return first
  const what = name === undefined ? '' : ` ${JSON.stringify(name)}`
  const why = found.length === 0 ? `has no image${what}` : `has several images${what && ` named${what}`}`
  const some = [...new Set(names)].slice(0, 8)
  throw new ShaleError(found.length === 0 ? 'IMAGE_NOT_FOUND' : 'IMAGE_AMBIGUOUS', `${shelf.name} ${why}`, {
    hint: some.length === 0 ? undefined : `it has ${some.join(', ')}; name one behind the path: ${shelf.name}:NAME`,
  })
}
