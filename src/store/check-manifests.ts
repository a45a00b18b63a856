import { ShaleError } from '../error.ts'
import type { Digest } from '../oci/digest.ts'
import { type Manifest, parseManifest } from '../oci/manifest.ts'
import { layerCompression } from '../oci/media-types.ts'
import type { Finding } from './check-finding.ts'
import { type ImageDocument, loadImage } from './image-documents.ts'
import { isNoted } from './manifest-rows.ts'
import { noteLayers } from './note-layers.ts'
import type { LocalStore } from './open.ts'
import { mediaTypeOf, registerDocument } from './register.ts'

/**
 * Compares what the database notes of each image with the image's documents. A repair notes it again. Images that lack
 * something are not looked at here.
 */
export async function checkManifests(
  store: LocalStore,
  lost: ReadonlySet<Digest>,
  repair: boolean,
): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const rows = store.database.all<{ digest: Digest }>('SELECT digest FROM manifests ORDER BY digest')
  for (const { digest } of rows) {
    if (lost.has(digest) || store.blobs.size(digest) === undefined) continue
    const read = await documentOf(store, digest)
    if (read === undefined) continue
    if (!isNoted(store.database, read.document)) {
      const problem = `what the database notes of image ${digest} is not what its manifest says`
      findings.push({ kind: 'image', id: digest, problem, remedy: 'noted again from its manifest', mends: true })
      if (repair) await noteAgain(store, digest)
    }
    const unknown = unknownLayers(store, read, lost)
    if (unknown.length === 0) continue
    const problem = `image ${digest} has layers that the database does not know: ${unknown.join(', ')}`
    findings.push({ kind: 'image', id: digest, problem, remedy: 'read again from their blobs', mends: true })
    if (repair) await inLease(store, lease => noteLayers(store, lease, read.manifest as Manifest))
  }
  return findings
}

interface ReadDocument {
  readonly document: ImageDocument
  /** Absent for an index. */
  readonly manifest: Manifest | undefined
}

async function documentOf(store: LocalStore, digest: Digest): Promise<ReadDocument | undefined> {
  try {
    const raw = await store.blobs.read(digest)
    const mediaType = mediaTypeOf(raw)
    const parsed = parseManifest(raw, mediaType)
    const { document } = await loadImage(store.blobs, digest, raw, mediaType)
    return { document, manifest: parsed.kind === 'manifest' ? parsed.manifest : undefined }
  } catch (error) {
    if (error instanceof ShaleError) return undefined
    throw error
  }
}

/** Layers that a process needs and that are here as blobs; those of attestations are no layers. */
function unknownLayers(
  store: LocalStore,
  { document, manifest }: ReadDocument,
  lost: ReadonlySet<Digest>,
): readonly Digest[] {
  const types = new Map(manifest?.layers.map(layer => [layer.digest, layer.mediaType]))
  return document.refs.flatMap(({ role, digest, diffId }) => {
    const isLayer = role === 'layer' && layerCompression(types.get(digest) ?? '') !== undefined
    if (!isLayer || diffId === undefined || lost.has(digest)) return []
    return store.database.get('SELECT 1 FROM layers WHERE diff_id = ?', diffId) === undefined ? [diffId] : []
  })
}

/** The images that a manifest is or belongs to are registered again, and with them what they name. */
async function noteAgain(store: LocalStore, digest: Digest): Promise<void> {
  const images = store.database.all<{ digest: Digest }>(
    `SELECT digest FROM images WHERE digest = ?1 OR digest IN (
       SELECT manifest FROM manifest_refs WHERE digest = ?1 AND role = 'manifest')`,
    digest,
  )
  await inLease(store, async lease => {
    for (const image of images) await registerDocument(store, lease, image.digest)
  })
}

async function inLease(
  store: LocalStore,
  use: (lease: ReturnType<LocalStore['lease']>) => Promise<void>,
): Promise<void> {
  const lease = store.lease('check')
  try {
    await use(lease)
  } finally {
    lease.end()
  }
}
