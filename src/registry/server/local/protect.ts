import type { Digest } from '../../../oci/digest.ts'
import type { Database } from '../../../store/database.ts'

/** Keeps a blob for the grace period. Inside a write transaction. */
export function protect(database: Database, digest: Digest): void {
  database.run(
    'INSERT INTO registry_fresh (digest, at) VALUES (?1, ?2) ON CONFLICT (digest) DO UPDATE SET at = ?2',
    digest,
    Date.now(),
  )
}
