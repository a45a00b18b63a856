import type { Digest } from '../oci/digest.ts'
import type { Database } from './database.ts'
import { currentUser } from './user.ts'

/** An image that was put under a name in a registry from here. Others may have moved the name since. */
export interface Publication {
  readonly digest: Digest
  /** Complete name: `registry.example.com/team/app:1.0`. */
  readonly name: string
  /** What the name pointed at before, when that was looked at. */
  readonly previous?: Digest | undefined
  readonly why: 'push' | 'promote' | 'rollback'
  /** Milliseconds since 1970. */
  readonly at: number
  readonly who: string
}

export interface PublicationStore {
  note(publication: Omit<Publication, 'at' | 'who'>): void
  /** Of this image, newest first. */
  ofImage(digest: Digest): readonly Publication[]
  /** Under this complete name, newest first. */
  ofName(name: string): readonly Publication[]
}

type PublicationRow = Omit<Publication, 'previous'> & { readonly previous: Digest | null }

const COLUMNS = 'SELECT digest, name, previous, why, at, who FROM publications'

export function createPublications(database: Database): PublicationStore {
  const all = (where: string, value: string) =>
    database.all<PublicationRow>(`${COLUMNS} WHERE ${where} = ? ORDER BY id DESC`, value).map(publicationOf)
  return {
    note: ({ digest, name, previous, why }) =>
      database.write(() => {
        database.run(
          'INSERT INTO publications (digest, name, previous, why, at, who) VALUES (?, ?, ?, ?, ?, ?)',
          digest,
          name,
          previous ?? null,
          why,
          Date.now(),
          currentUser(),
        )
      }),
    ofImage: digest => all('digest', digest),
    ofName: name => all('name', name),
  }
}

function publicationOf({ digest, name, previous, why, at, who }: PublicationRow): Publication {
  return { digest, name, previous: previous ?? undefined, why, at, who }
}
