import type { Digest } from '../oci/digest.ts'
import type { Finding } from './check-finding.ts'
import type { LocalStore } from './open.ts'
import { registerDocument } from './register.ts'
import { tagHistory } from './tags.ts'

/**
 * Tags of images that the database does not have, and images without their manifest's row: foreign keys forbid both, so
 * that somebody else has written them. A repair registers the image again from its blobs, else points the tag where its
 * history says, else forgets it.
 */
export async function checkReferences(
  store: LocalStore,
  lost: ReadonlySet<Digest>,
  repair: boolean,
): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for (const dangling of danglingIn(store)) {
    const { name, digest } = dangling
    const mending = mendingOf(store, dangling, lost)
    const problem = `${name === undefined ? 'an image' : `the tag ${name}`} points at ${digest}, which is not registered`
    findings.push({ kind: 'tag', id: name ?? digest, problem, remedy: REMEDIES[mending.how], mends: true })
    if (repair) await mend(store, dangling, mending)
  }
  return findings
}

interface Dangling {
  /** Of a tag; absent for an image. */
  readonly name: string | undefined
  readonly digest: Digest
}

function danglingIn({ database }: LocalStore): readonly Dangling[] {
  const tags = database.all<{ name: string; digest: Digest }>(
    'SELECT name, digest FROM tags WHERE digest NOT IN (SELECT digest FROM images) ORDER BY name',
  )
  const images = database.all<{ digest: Digest }>(
    'SELECT digest FROM images WHERE digest NOT IN (SELECT digest FROM manifests) ORDER BY digest',
  )
  return [...images.map(({ digest }) => ({ name: undefined, digest })), ...tags]
}

type Mending =
  | { readonly how: 'register' }
  /** The image that the tag was pointed at last. */
  | { readonly how: 'history'; readonly digest: Digest }
  | { readonly how: 'forget' }

const REMEDIES: Readonly<Record<Mending['how'], string>> = {
  register: 'registered again from its blob',
  history: 'pointed at the image that its history names',
  forget: 'forgotten, for its manifest is gone',
}

function mendingOf(store: LocalStore, { name, digest }: Dangling, lost: ReadonlySet<Digest>): Mending {
  if (!lost.has(digest) && store.blobs.size(digest) !== undefined) return { how: 'register' }
  const last = name === undefined ? undefined : tagHistory(store.database, name)[0]?.digest
  if (last !== undefined && store.images.get(last) !== undefined) return { how: 'history', digest: last }
  return { how: 'forget' }
}

async function mend(store: LocalStore, { name, digest }: Dangling, mending: Mending): Promise<void> {
  const { database } = store
  if (mending.how === 'register' && (await isRegistered(store, digest))) return
  database.write(() => {
    if (name === undefined) {
      database.run('DELETE FROM repo_digests WHERE digest = ?', digest)
      database.run('DELETE FROM images WHERE digest = ?', digest)
    } else if (mending.how === 'history') {
      database.run('UPDATE tags SET digest = ? WHERE name = ?', mending.digest, name)
    } else store.images.untag(name, 'check')
  })
}

/** Registers it unless another of its names has brought it back. */
async function isRegistered(store: LocalStore, digest: Digest): Promise<boolean> {
  if (store.images.get(digest) !== undefined) return true
  const lease = store.lease('check')
  try {
    return await registerDocument(store, lease, digest)
  } finally {
    lease.end()
  }
}
