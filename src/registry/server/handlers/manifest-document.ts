import { ShaleError } from '../../../error.ts'
import type { Descriptor } from '../../../oci/descriptor.ts'
import { type Digest, isDigest } from '../../../oci/digest.ts'
import { type Index, type Manifest, parseJson, parseManifest } from '../../../oci/manifest.ts'
import { isIndexType, isManifestType, MediaType } from '../../../oci/media-types.ts'
import type { NewManifest } from '../metadata.ts'

/** What is noted of a document that is pushed as a manifest. */
export type DescribedManifest = Omit<NewManifest, 'digest'>

/**
 * Reads a document that comes as a manifest. Images and indexes are checked whole; of documents of other types
 * everything that looks like a descriptor is noted. `mediaType` is the request's Content-Type. Throws
 * `INVALID_MANIFEST` and others of `parseManifest`.
 */
export function describeManifest(raw: Uint8Array, mediaType: string | undefined): DescribedManifest {
  const json = parseJson(raw, 'manifest')
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new ShaleError('INVALID_MANIFEST', 'a manifest is a JSON object')
  }
  const own = 'mediaType' in json && typeof json.mediaType === 'string' ? json.mediaType : undefined
  const declared = own || specific(mediaType) || guess(json)
  if (!isKnown(declared)) return describeOther(json as OtherDocument, specific(mediaType) || declared)
  const parsed = parseManifest(raw, specific(mediaType) ?? declared)
  return parsed.kind === 'index'
    ? describeIndex(parsed.index, parsed.mediaType)
    : describeImage(parsed.manifest, parsed.mediaType)
}

/** What says nothing about the kind of document is as good as nothing. */
function specific(mediaType: string | undefined): string | undefined {
  const bare = mediaType?.split(';')[0]?.trim().toLowerCase()
  return bare === '' || bare === 'application/json' || bare === 'application/octet-stream' ? undefined : bare
}

function guess(json: object): string {
  return 'manifests' in json ? MediaType.ociIndex : MediaType.ociManifest
}

function isKnown(mediaType: string): boolean {
  const schema1 = mediaType === MediaType.dockerSchema1 || mediaType === MediaType.dockerSchema1Signed
  return schema1 || isIndexType(mediaType) || isManifestType(mediaType)
}

function describeImage(manifest: Manifest, mediaType: string): DescribedManifest {
  const { config, layers, subject, annotations, artifactType } = manifest
  const stored = layers.filter(layer => !isElsewhere(layer))
  return {
    mediaType,
    artifactType: artifactType || config.mediaType,
    subject: subject?.digest,
    annotations,
    blobs: unique([config.digest, ...stored.map(({ digest }) => digest)]),
    manifests: [],
    optional: unique(layers.filter(isElsewhere).map(({ digest }) => digest)),
  }
}

/** Foreign layers are fetched from where they may be distributed. */
function isElsewhere({ urls }: Descriptor): boolean {
  return urls !== undefined && urls.length > 0
}

function describeIndex(index: Index, mediaType: string): DescribedManifest {
  const { manifests, subject, annotations, artifactType } = index
  return {
    mediaType,
    artifactType,
    subject: subject?.digest,
    annotations,
    blobs: [],
    manifests: unique(manifests.map(({ digest }) => digest)),
  }
}

interface OtherDocument {
  readonly artifactType?: unknown
  readonly subject?: unknown
  readonly annotations?: unknown
  readonly [key: string]: unknown
}

/** Types that we do not know may refer to anything; what of it is there must stay. */
function describeOther(document: OtherDocument, mediaType: string): DescribedManifest {
  const referred = ['config', 'layers', 'blobs', 'manifests'].flatMap(key => [document[key]].flat())
  const { artifactType, annotations } = document
  return {
    mediaType,
    artifactType: typeof artifactType === 'string' ? artifactType : undefined,
    subject: digestOf(document.subject),
    annotations: isStringMap(annotations) ? annotations : undefined,
    blobs: [],
    manifests: [],
    optional: unique(referred.flatMap(each => digestOf(each) ?? [])),
  }
}

function digestOf(value: unknown): Digest | undefined {
  const digest = typeof value === 'object' && value !== null && 'digest' in value ? value.digest : undefined
  return typeof digest === 'string' && isDigest(digest) ? digest : undefined
}

function isStringMap(value: unknown): value is Readonly<Record<string, string>> {
  return typeof value === 'object' && value !== null && Object.values(value).every(each => typeof each === 'string')
}

function unique<T>(items: readonly T[]): readonly T[] {
  return [...new Set(items)]
}
