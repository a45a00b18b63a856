import type { Digest } from '../oci/digest.ts'
import type { Finding } from './check-finding.ts'
import type { LocalStore } from './open.ts'
import { type ContentGraph, reach } from './reach.ts'
import type { CacheRecord } from './types.ts'

/** Images that lack some of their content, with the names that point at them. */
export function brokenImages(store: LocalStore, graph: ContentGraph, whole: ReadonlySet<Digest>): readonly Finding[] {
  // A variant that is lost is made again, and a lost signature is not the image's.
  const own = { ...graph, variants: new Map(), referrers: new Map() }
  return graph.images.flatMap((id): readonly Finding[] => {
    const missing = [...reach(own, { images: [id] }).blobs].filter(digest => !whole.has(digest))
    if (missing.length === 0) return []
    const tags = store.database.all<{ name: string }>('SELECT name FROM tags WHERE digest = ? ORDER BY name', id)
    const named = tags.length === 0 ? '' : ` (${tags.map(({ name }) => name).join(', ')})`
    const problem = `image ${id}${named} lacks ${missing.join(', ')}`
    return [{ kind: 'image', id, problem, remedy: 'pull or build it again, or remove it: shale rmi', mends: false }]
  })
}

/** Manifests of the registry that lack themselves or what they name. What they lack is served as not there. */
export function brokenRepositories({ database }: LocalStore, whole: ReadonlySet<Digest>): readonly Finding[] {
  const rows = database.all<{ name: string; manifest: Digest; digest: Digest }>(
    `SELECT name, manifest, n.digest FROM (
       SELECT repository, digest AS manifest, digest FROM registry_manifests
       UNION SELECT repository, manifest, digest FROM registry_refs) n
     JOIN registry_repositories p ON p.id = n.repository ORDER BY name, manifest`,
  )
  const missing = new Map<string, Digest[]>()
  for (const { name, manifest, digest } of rows) {
    if (whole.has(digest)) continue
    const id = `${name}@${manifest}`
    missing.set(id, [...(missing.get(id) ?? []), digest])
  }
  return [...missing].map(([id, digests]): Finding => {
    const problem = `manifest ${id} of the registry lacks ${digests.join(', ')}`
    return { kind: 'registry', id, problem, remedy: 'push it again, or delete it', mends: false }
  })
}

/** Recorded steps whose layer cannot be had any more. */
export function brokenRecords(
  store: LocalStore,
  graph: ContentGraph,
  whole: ReadonlySet<Digest>,
  lostTrees: ReadonlySet<number>,
): readonly Finding[] {
  const ready = graph.trees.filter(tree => tree.state === 'ready' && !lostTrees.has(tree.id))
  const trees = new Set(ready.map(tree => tree.key.split(':', 2).join(':')))
  // Those that cannot be read are told of their rows.
  const readable = graph.records.map(({ key }) => store.cache.peek(key)).filter(record => record !== undefined)
  return readable.flatMap((record): readonly Finding[] => {
    const missing = missingFor(record, graph, whole, trees)
    if (missing === undefined) return []
    const problem = `the recorded step "${record.title}" lacks ${missing}`
    return [{ kind: 'record', id: record.key, problem, remedy: 'forgotten: the step runs again', mends: true }]
  })
}

function missingFor(
  record: CacheRecord,
  graph: ContentGraph,
  whole: ReadonlySet<Digest>,
  trees: ReadonlySet<string>,
): string | undefined {
  if (record.inputToc !== undefined && !whole.has(record.inputToc)) return `the list of its inputs ${record.inputToc}`
  if (record.layerId === undefined) return undefined
  const layer = graph.layers.get(record.layerId)
  if (layer === undefined) return `its layer ${record.layerId}`
  if (!whole.has(layer.tocDigest)) return `its layer's table of contents ${layer.tocDigest}`
  if (trees.has(layer.tocDigest) || layer.blobs.length === 0) return undefined
  return layer.blobs.some(blob => whole.has(blob)) ? undefined : `its layer's content ${layer.blobs.join(', ')}`
}
