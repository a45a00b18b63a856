import * as z from 'zod/mini'
import en from 'zod/v4/locales/en.js'
import { ShaleError } from '../error.ts'
import { type Descriptor, descriptorSchema } from './descriptor.ts'
import { MAX_DOCUMENT_BYTES } from './document-limit.ts'
import { isIndexType, isManifestType, MediaType } from './media-types.ts'

export { MAX_DOCUMENT_BYTES }

/** An image manifest, OCI or Docker schema 2. Source: OCI image-spec v1.1 manifest.md. */
export interface Manifest {
  readonly schemaVersion: 2
  readonly mediaType?: string | undefined
  readonly artifactType?: string | undefined
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
  readonly subject?: Descriptor | undefined
  readonly annotations?: Readonly<Record<string, string>> | undefined
}

/** An image index or Docker manifest list. Source: OCI image-spec v1.1 image-index.md. */
export interface Index {
  readonly schemaVersion: 2
  readonly mediaType?: string | undefined
  readonly artifactType?: string | undefined
  readonly manifests: readonly Descriptor[]
  readonly subject?: Descriptor | undefined
  readonly annotations?: Readonly<Record<string, string>> | undefined
}

// The small edition of zod starts 10 ms sooner than the whole one, but its messages come apart from it.
z.config(en())

/** Go writes an absent list or map as null; we read it as absent. */
export function nullAsAbsent<T extends z.core.SomeType>(schema: T) {
  return z.pipe(
    z.nullish(schema),
    z.transform(value => value ?? undefined),
  )
}

const annotations = nullAsAbsent(z.record(z.string(), z.string()))

const manifestSchema = z.looseObject({
  schemaVersion: z.literal(2),
  mediaType: z.optional(z.string()),
  artifactType: z.optional(z.string()),
  config: descriptorSchema,
  layers: z.array(descriptorSchema).check(z.maxLength(4096)),
  subject: z.optional(descriptorSchema),
  annotations,
})

const indexSchema = z.looseObject({
  schemaVersion: z.literal(2),
  mediaType: z.optional(z.string()),
  artifactType: z.optional(z.string()),
  manifests: z.array(descriptorSchema).check(z.maxLength(16384)),
  subject: z.optional(descriptorSchema),
  annotations,
})

export type ManifestDocument =
  | { readonly kind: 'manifest'; readonly mediaType: string; readonly manifest: Manifest }
  | { readonly kind: 'index'; readonly mediaType: string; readonly index: Index }

/**
 * Reads a manifest or an index from its raw bytes. `mediaType` is what the descriptor or Content-Type said; the
 * document's own field must agree with it. Throws `INVALID_MANIFEST`; schema 1 is refused by name.
 */
export function parseManifest(raw: Uint8Array, mediaType?: string): ManifestDocument {
  const json = parseJson(raw, 'manifest')
  const own = typeof json === 'object' && json !== null && 'mediaType' in json ? json.mediaType : undefined
  const version = typeof json === 'object' && json !== null && 'schemaVersion' in json ? json.schemaVersion : undefined
  const declared = typeof own === 'string' && own !== '' ? own : mediaType
  if (version === 1 || declared === MediaType.dockerSchema1 || declared === MediaType.dockerSchema1Signed) {
    throw new ShaleError('SCHEMA1_MANIFEST', 'the image has a Docker schema 1 manifest, a format withdrawn in 2024', {
      hint: 'push it again with a current docker, buildah or skopeo',
    })
  }
  if (typeof own === 'string' && own !== '' && mediaType && own !== mediaType && knownType(mediaType)) {
    throw new ShaleError('INVALID_MANIFEST', `manifest says it is ${own}, but was announced as ${mediaType}`)
  }
  const kind = declared !== undefined && isIndexType(declared) ? 'index' : undefined
  if (kind === 'index' || (!isManifestType(declared ?? '') && hasKey(json, 'manifests'))) {
    const index = checked(indexSchema, json, 'index') as Index
    return { kind: 'index', mediaType: declared ?? MediaType.ociIndex, index }
  }
  const manifest = checked(manifestSchema, json, 'manifest') as Manifest
  return { kind: 'manifest', mediaType: declared ?? MediaType.ociManifest, manifest }
}

function knownType(mediaType: string): boolean {
  return isIndexType(mediaType) || isManifestType(mediaType)
}

function hasKey(json: unknown, key: string): boolean {
  return typeof json === 'object' && json !== null && key in json
}

/** Parses JSON of bounded size; `what` names it in the error `INVALID_JSON`. */
export function parseJson(raw: Uint8Array, what: string): unknown {
  if (raw.byteLength > MAX_DOCUMENT_BYTES) {
    throw new ShaleError('DOCUMENT_TOO_LARGE', `${what} has ${raw.byteLength} bytes, more than ${MAX_DOCUMENT_BYTES}`)
  }
  try {
    return JSON.parse(Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('utf8'))
  } catch (cause) {
    throw new ShaleError('INVALID_JSON', `${what} is not valid JSON: ${(cause as Error).message}`, { cause })
  }
}

/** Validates `json` and names the first field that is wrong in the error `INVALID_<WHAT>`. */
export function checked<T>(schema: z.ZodMiniType<T>, json: unknown, what: string): T {
  const result = schema.safeParse(json)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const where = issue === undefined || issue.path.length === 0 ? '' : ` at ${issue.path.join('.')}`
  const code = `INVALID_${what.toUpperCase().replaceAll(' ', '_')}`
  throw new ShaleError(code, `invalid ${what}${where}: ${issue?.message ?? 'malformed'}`, { cause: result.error })
}
