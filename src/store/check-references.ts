import type { Digest } from '../oci/digest.ts'
import type { Finding } from './check-finding.ts'
import type { LocalStore } from './open.ts'
import { registerDocument } from './register.ts'

/**
 * Tags of images that the database does not have, and images without their manifest's row: foreign keys forbid both, so
 * that somebody else has written them. A repair registers the image again from its blobs, else forgets the name.
 */
export async function checkReferences(
  store: LocalStore,
  lost: ReadonlySet<Digest>,
  repair: boolean,
): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for (const { digest, names } of unregistered(store)) {
    const here = !lost.has(digest) && store.blobs.size(digest) !== undefined
    const named = names.length === 0 ? 'an image' : `the tag ${names.join(', ')}`
    const problem = `${named} points at ${digest}, which is not registered`
    const remedy = here ? 'registered again from its blob' : 'forgotten, for its manifest is gone'
    findings.push({ kind: 'tag', id: names[0] ?? digest, problem, remedy, mends: true })
    if (repair) await mend(store, digest, names, here)
  }
  return findings
}

interface Unregistered {
  readonly digest: Digest
  readonly names: readonly string[]
}

function unregistered({ database }: LocalStore): readonly Unregistered[] {
  const rows = database.all<{ digest: Digest }>(
    `SELECT digest FROM tags WHERE digest NOT IN (SELECT digest FROM images)
     UNION SELECT digest FROM images WHERE digest NOT IN (SELECT digest FROM manifests)`,
  )
  return rows.map(({ digest }) => {
    const names = database.all<{ name: string }>('SELECT name FROM tags WHERE digest = ? ORDER BY name', digest)
    return { digest, names: names.map(({ name }) => name) }
  })
}

async function mend(store: LocalStore, digest: Digest, names: readonly string[], here: boolean): Promise<void> {
  const lease = store.lease('check')
  try {
    if (here && (await registerDocument(store, lease, digest))) return
    store.database.write(() => {
      for (const name of names) store.images.untag(name, 'check')
      store.database.run('DELETE FROM repo_digests WHERE digest = ?', digest)
      store.database.run('DELETE FROM images WHERE digest = ?', digest)
    })
  } finally {
    lease.end()
  }
}
