import { ShaleError } from '../error.ts'
import type { Digest } from '../oci/digest.ts'
import { parseManifest } from '../oci/manifest.ts'
import type { Finding } from './check-finding.ts'
import { readTexts } from './json-column.ts'
import type { LocalStore } from './open.ts'
import { mediaTypeOf } from './register.ts'

/** What the registry lists of its manifests' annotations. A repair reads it again. */
export async function checkAnnotations(store: LocalStore, repair: boolean): Promise<readonly Finding[]> {
  const rows = store.database.all<{ digest: Digest; annotations: string }>(
    'SELECT DISTINCT digest, annotations FROM registry_manifests WHERE annotations IS NOT NULL ORDER BY digest',
  )
  const findings: Finding[] = []
  for (const { digest, annotations } of rows) {
    if (readTexts(annotations) !== null) continue
    const problem = `the annotations of the registry's manifest ${digest} are damaged`
    findings.push({ kind: 'registry', id: digest, problem, remedy: 'read again from the manifest', mends: true })
    if (repair) await readAnnotations(store, digest)
  }
  return findings
}

/** None when the manifest is lost, which is told of its blob. */
async function readAnnotations(store: LocalStore, digest: Digest): Promise<void> {
  const annotations = await annotationsOf(store, digest)
  const json = annotations === undefined ? null : JSON.stringify(annotations)
  const sql = 'UPDATE registry_manifests SET annotations = ? WHERE digest = ?'
  store.database.write(() => store.database.run(sql, json, digest))
}

async function annotationsOf(store: LocalStore, digest: Digest) {
  try {
    const raw = await store.blobs.read(digest)
    const document = parseManifest(raw, mediaTypeOf(raw))
    return document.kind === 'index' ? document.index.annotations : document.manifest.annotations
  } catch (error) {
    if (error instanceof ShaleError) return undefined
    throw error
  }
}
