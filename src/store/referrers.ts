import { ShaleError } from '../error.ts'
import type { Digest } from '../oci/digest.ts'
import type { FileBlobs } from './blobs.ts'
import type { Database } from './database.ts'
import type { Lease, ReferrerStore } from './types.ts'

export interface ReferrerContext {
  readonly database: Database
  readonly blobs: FileBlobs
}

/** A row goes with the referrer's blob, and that with the subject. */
export function createReferrers({ database, blobs }: ReferrerContext): ReferrerStore {
  return {
    add(lease: Lease, subject, referrer, named) {
      database.write(() => {
        const missing = [referrer, ...named].find(digest => !blobs.keep(lease, digest))
        if (missing !== undefined) {
          throw new ShaleError('BLOB_MISSING', `the store does not have ${missing} of what refers to ${subject}`)
        }
        const row = 'INSERT INTO referrers (digest, subject, at) VALUES (?, ?, ?) ON CONFLICT (digest) DO NOTHING'
        database.run(row, referrer, subject, Date.now())
        for (const digest of new Set(named)) {
          database.run('INSERT OR IGNORE INTO referrer_blobs (referrer, digest) VALUES (?, ?)', referrer, digest)
        }
      })
    },
    of: subject =>
      database
        .all<{ digest: Digest }>('SELECT digest FROM referrers WHERE subject = ? ORDER BY at, digest', subject)
        .map(({ digest }) => digest),
  }
}
