import type { Digest } from '../oci/digest.ts'
import type { Database } from './database.ts'
import { type HeldKind, LEASE_EXPIRY_MS } from './leases.ts'

/** Everything that can keep something else; some ten rows for each image. */
export interface ContentGraph {
  readonly images: readonly Digest[]
  /** Images of containers; forced removal may have taken the image away, not its content. */
  readonly containers: readonly Digest[]
  readonly records: readonly GraphRecord[]
  readonly holds: readonly { readonly kind: HeldKind; readonly ref: string }[]
  /** Blobs and manifests that the registry's repositories have, and blobs that were just uploaded to it. */
  readonly registry: readonly Digest[]
  readonly manifests: ReadonlyMap<Digest, readonly ManifestRef[]>
  /** By the original's digest. */
  readonly variants: ReadonlyMap<Digest, readonly { readonly digest: Digest }[]>
  /** By the subject's digest. */
  readonly referrers: ReadonlyMap<Digest, readonly GraphReferrer[]>
  readonly layers: ReadonlyMap<number, GraphLayer>
  readonly layersByDiffId: ReadonlyMap<Digest, readonly number[]>
  readonly trees: readonly GraphTree[]
  /** Size in bytes by digest. */
  readonly blobs: ReadonlyMap<Digest, number>
}

export interface GraphRecord {
  readonly key: Digest
  readonly layer: number | null
  readonly inputToc: Digest | null
}

interface GraphReferrer {
  readonly digest: Digest
  /** One of what it names. */
  readonly blob: Digest | null
}

interface ManifestRef {
  readonly role: 'config' | 'layer' | 'manifest'
  readonly digest: Digest
  readonly diffId: Digest | null
}

interface GraphLayer {
  readonly tocDigest: Digest
  readonly blobs: readonly Digest[]
}

export interface GraphTree {
  readonly id: number
  readonly key: string
  readonly state: 'filling' | 'ready' | 'doomed'
}

/** Where to start from. */
export interface Roots {
  readonly images?: Iterable<Digest>
  readonly containers?: Iterable<Digest>
  readonly records?: Iterable<GraphRecord>
  readonly holds?: ContentGraph['holds']
  readonly registry?: Iterable<Digest>
}

/** What is kept. Manifests are blobs too, so their digests are in both sets. */
export interface Reach {
  readonly manifests: ReadonlySet<Digest>
  readonly layers: ReadonlySet<number>
  readonly blobs: ReadonlySet<Digest>
  readonly trees: ReadonlySet<number>
}

/** What a repository's manifests refer to has rows of its own there, so that nothing needs to be followed. */
const REGISTRY_ROOTS = `
  SELECT digest FROM registry_blobs UNION SELECT digest FROM registry_manifests UNION SELECT digest FROM registry_fresh`

/** Reads the graph in one go. Leases that have expired by `now` hold nothing. */
export function loadGraph(database: Database, now = Date.now()): ContentGraph {
  const layerBlobs = groupBy(
    database.all<{ layer: number; digest: Digest }>('SELECT layer, digest FROM layer_blobs'),
    row => row.layer,
  )
  const layers = database.all<{ id: number; toc_digest: Digest; diff_id: Digest | null }>(
    'SELECT id, toc_digest, diff_id FROM layers',
  )
  const refs = database.all<ManifestRef & { readonly manifest: Digest }>(
    'SELECT manifest, role, digest, diff_id AS diffId FROM manifest_refs',
  )
  const blobs = database.all<{ digest: Digest; size: number }>('SELECT digest, size FROM blobs')
  const packed = layers.filter(row => row.diff_id !== null)
  return {
    images: database.all<{ digest: Digest }>('SELECT digest FROM images').map(row => row.digest),
    containers: database.all<{ image: Digest }>('SELECT DISTINCT image FROM containers').map(row => row.image),
    records: database.all<GraphRecord>('SELECT key, layer, input_toc AS inputToc FROM cache_records'),
    holds: database.all<{ kind: HeldKind; ref: string }>(
      'SELECT h.kind, h.ref FROM holds h JOIN leases l ON l.id = h.lease WHERE l.heartbeat >= ?',
      now - LEASE_EXPIRY_MS,
    ),
    registry: database.all<{ digest: Digest }>(REGISTRY_ROOTS).map(row => row.digest),
    manifests: groupBy(refs, row => row.manifest),
    variants: groupBy(
      database.all<{ digest: Digest; original: Digest }>('SELECT digest, original FROM image_variants'),
      row => row.original,
    ),
    referrers: groupBy(
      database.all<GraphReferrer & { readonly subject: Digest }>(
        `SELECT r.subject, r.digest, b.digest AS blob FROM referrers r
         LEFT JOIN referrer_blobs b ON b.referrer = r.digest`,
      ),
      row => row.subject,
    ),
    layers: new Map(
      layers.map(row => [
        row.id,
        { tocDigest: row.toc_digest, blobs: (layerBlobs.get(row.id) ?? []).map(b => b.digest) },
      ]),
    ),
    layersByDiffId: new Map(
      [...groupBy(packed, row => row.diff_id as Digest)].map(([diffId, rows]) => [diffId, rows.map(row => row.id)]),
    ),
    trees: database.all<GraphTree>('SELECT id, key, state FROM trees'),
    blobs: new Map(blobs.map(row => [row.digest, row.size])),
  }
}

/** Follows images to manifests, configs and layers, records to layers and inputs, layers to tables, blobs and trees. */
export function reach(graph: ContentGraph, roots: Roots): Reach {
  const found = { manifests: new Set<Digest>(), layers: new Set<number>(), blobs: new Set<Digest>() }
  const trees = new Set<number>()
  for (const image of roots.images ?? []) reachManifest(graph, image, found)
  for (const image of roots.containers ?? []) reachManifest(graph, image, found)
  for (const record of roots.records ?? []) {
    if (record.layer !== null) reachLayer(graph, record.layer, found)
    if (record.inputToc !== null) found.blobs.add(record.inputToc)
  }
  for (const { kind, ref } of roots.holds ?? []) {
    if (kind === 'image') reachManifest(graph, ref as Digest, found)
    else if (kind === 'layer') reachLayer(graph, Number(ref), found)
    else if (kind === 'blob') found.blobs.add(ref as Digest)
    else trees.add(Number(ref))
  }
  for (const digest of roots.registry ?? []) found.blobs.add(digest)
  const tocs = new Set([...found.layers].map(id => graph.layers.get(id)?.tocDigest))
  for (const tree of graph.trees) {
    if (tree.state === 'ready' && tocs.has(tocOfTree(tree.key))) trees.add(tree.id)
  }
  return { ...found, trees }
}

interface Found {
  readonly manifests: Set<Digest>
  readonly layers: Set<number>
  readonly blobs: Set<Digest>
}

function reachManifest(graph: ContentGraph, digest: Digest, found: Found): void {
  if (found.manifests.has(digest)) return
  found.manifests.add(digest)
  found.blobs.add(digest)
  // Their layers are blobs of the original's layers.
  for (const variant of graph.variants.get(digest) ?? []) found.blobs.add(variant.digest)
  for (const referrer of graph.referrers.get(digest) ?? []) {
    if (referrer.blob !== null) found.blobs.add(referrer.blob)
    reachManifest(graph, referrer.digest, found)
  }
  for (const ref of graph.manifests.get(digest) ?? []) {
    found.blobs.add(ref.digest)
    if (ref.role === 'manifest') reachManifest(graph, ref.digest, found)
    if (ref.diffId === null) continue
    for (const layer of graph.layersByDiffId.get(ref.diffId) ?? []) reachLayer(graph, layer, found)
  }
}

function reachLayer(graph: ContentGraph, id: number, found: Found): void {
  const layer = graph.layers.get(id)
  if (layer === undefined || found.layers.has(id)) return
  found.layers.add(id)
  found.blobs.add(layer.tocDigest)
  for (const blob of layer.blobs) found.blobs.add(blob)
}

/** A tree's key is its table's digest, `algorithm:hex`, and what may follow after another colon. */
function tocOfTree(key: string): Digest {
  const end = key.indexOf(':', key.indexOf(':') + 1)
  return (end < 0 ? key : key.slice(0, end)) as Digest
}

function groupBy<Row, Key>(rows: readonly Row[], keyOf: (row: Row) => Key): Map<Key, Row[]> {
  const groups = new Map<Key, Row[]>()
  for (const row of rows) {
    const key = keyOf(row)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [row])
    else group.push(row)
  }
  return groups
}
