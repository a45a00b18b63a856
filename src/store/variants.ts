import { ShaleError } from '../error.ts'
import type { Compression } from '../oci/media-types.ts'
import type { FileBlobs } from './blobs.ts'
import type { Database } from './database.ts'
import type { ImageVariant, Lease, VariantStore } from './types.ts'

export interface VariantContext {
  readonly database: Database
  readonly blobs: FileBlobs
}

const COLUMNS = 'digest, original, compression, at'

export function createVariants({ database, blobs }: VariantContext): VariantStore {
  return {
    add(lease: Lease, { digest, original, compression }) {
      database.write(() => {
        if (!blobs.keep(lease, digest)) {
          throw new ShaleError('BLOB_MISSING', `the store does not have the variant ${digest} of ${original}`)
        }
        const sql = `INSERT INTO image_variants (${COLUMNS}) VALUES (?, ?, ?, ?) ON CONFLICT (digest) DO NOTHING`
        database.run(sql, digest, original, compression, Date.now())
      })
    },
    of: original =>
      database.all<ImageVariant & { readonly compression: Compression }>(
        `SELECT ${COLUMNS} FROM image_variants WHERE original = ? ORDER BY at DESC`,
        original,
      ),
    find: digest => database.get<ImageVariant>(`SELECT ${COLUMNS} FROM image_variants WHERE digest = ?`, digest),
  }
}
