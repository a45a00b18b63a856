import { ShaleError } from '../error.ts'
import { indexLayer } from '../layer/read.ts'
import { contentId, decodeToc, encodeToc } from '../layer/toc-codec.ts'
import type { Digest } from '../oci/digest.ts'
import type { Finding } from './check-finding.ts'
import type { LocalStore } from './open.ts'
import type { LayerBlob, LayerRecord } from './types.ts'

export interface TableCheck {
  readonly findings: readonly Finding[]
  /** Layers whose table is lost for good; to be forgotten when it is told what needed them. */
  readonly lost: readonly number[]
}

/**
 * Decodes every layer's table of contents and compares it with what the database notes of it. A repair makes a lost
 * table from the layer's blob.
 */
export async function checkTables(store: LocalStore, lost: ReadonlySet<Digest>, repair: boolean): Promise<TableCheck> {
  const findings: Finding[] = []
  const lostLayers: number[] = []
  for (const { id } of store.database.all<{ id: number }>('SELECT id FROM layers ORDER BY id')) {
    const record = recordOf(store, id)
    const problem = record === undefined ? undefined : await problemOf(store, record, lost)
    // Collected meanwhile: no problem.
    if (record === undefined || problem === undefined || recordOf(store, id) === undefined) continue
    const blob = record.blobs.find(({ digest }) => store.blobs.size(digest) !== undefined && !lost.has(digest))
    const remedy = blob === undefined ? 'the layer is forgotten' : `read again from the layer's blob ${blob.digest}`
    findings.push({ kind: 'table', id: record.tocDigest, problem, remedy, mends: true })
    if (blob === undefined || (repair && !(await mend(store, record, blob)))) lostLayers.push(id)
  }
  return { findings, lost: lostLayers }
}

/** Undefined also when its row is damaged, which is told of the row. */
function recordOf(store: LocalStore, id: number): LayerRecord | undefined {
  try {
    return store.layers.byId(id)
  } catch (error) {
    if (error instanceof ShaleError && error.code === 'STORE_DAMAGED') return undefined
    throw error
  }
}

async function problemOf(
  store: LocalStore,
  record: LayerRecord,
  lost: ReadonlySet<Digest>,
): Promise<string | undefined> {
  const what = `the table of contents ${record.tocDigest} of layer ${record.diffId ?? record.id}`
  if (lost.has(record.tocDigest) || store.blobs.size(record.tocDigest) === undefined) return `${what} is not there`
  try {
    const toc = await tableOf(store, record.tocDigest)
    if (contentId(toc) === record.contentId && toc.entries.length === record.entries) return undefined
    return `${what} is not what the database notes of it`
  } catch (error) {
    if (error instanceof ShaleError) return `${what} cannot be read: ${error.message}`
    throw error
  }
}

/** Not through `layers.toc`, which may have it in memory. */
async function tableOf(store: LocalStore, digest: Digest) {
  const chunks: Uint8Array[] = []
  for await (const chunk of store.blobs.stream(digest)) chunks.push(chunk)
  return decodeToc(Buffer.concat(chunks))
}

/**
 * The blob gives the same table; where it does not (another version wrote that), the layer gets a new record. False when
 * the blob does not say.
 */
async function mend(store: LocalStore, record: LayerRecord, blob: LayerBlob): Promise<boolean> {
  const { diffId } = record
  const lease = store.lease('check')
  try {
    const { toc } = await indexLayer(store.blobs.stream(blob.digest), blob.compression, { diffId })
    const { digest } = await store.blobs.put(lease, encodeToc(toc))
    if (digest === record.tocDigest && contentId(toc) === record.contentId) return true
    if (diffId === undefined) return false
    forgetLayer(store, record.id)
    const { id } = await store.layers.add(lease, { toc, diffId })
    store.layers.setPacked(lease, id, diffId, blob)
    return true
  } catch (error) {
    if (error instanceof ShaleError && error.code !== 'DISK_FULL') return false
    throw error
  } finally {
    lease.end()
  }
}

export function forgetLayer(store: LocalStore, id: number): void {
  store.database.write(() => {
    store.database.run('DELETE FROM cache_records WHERE layer = ?', id)
    store.database.run('DELETE FROM layers WHERE id = ?', id)
  })
}
