import { createHash, randomBytes } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ShaleError } from '../error.ts'
import type { Repository } from './package.ts'

/** The newest date that was seen of each repository. */
export interface SeenReleases {
  /** Throws `RELEASE_DOWNGRADED` for one that is older than what was seen before. */
  note(repository: Repository, date: number, where: string): Promise<void>
}

/** Keeps them in files of a folder. */
export function seenReleases(folder: string): SeenReleases {
  return {
    async note({ uris, suite }, date, where) {
      const name = createHash('sha256')
        .update(JSON.stringify([uris[0], suite]))
        .digest('hex')
      const path = join(folder, `release-${name}`)
      const before = Number(await readFile(path, 'utf8').catch(() => '0'))
      if (date < before) {
        throw new ShaleError(
          'RELEASE_DOWNGRADED',
          `${where} is of ${new Date(date).toISOString()}; the one seen before is newer, ${new Date(before).toISOString()}`,
          { hint: 'the mirror is behind, or somebody hands out an old state; for an old state use --snapshot' },
        )
      }
      if (date === before) return
      const own = `${path}.${randomBytes(6).toString('hex')}`
      await writeFile(own, String(date))
      await rename(own, path)
    },
  }
}

/** For snapshots, which are old on purpose. */
export const FORGETFUL: SeenReleases = { note: async () => undefined }
