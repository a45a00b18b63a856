import type { Digest } from '../oci/digest.ts'
import type { Database } from './database.ts'
import { currentUser } from './user.ts'

/** What an image was built from, as far as the image itself does not say it. */
export interface Origin {
  /** Of the image's manifest. */
  readonly digest: Digest
  /** Milliseconds since 1970: when it was last built. */
  readonly at: number
  readonly who: string
  /** Program and version: `shale 0.1.0`. */
  readonly builder: string
  /** As messages name it: a path in the context or an absolute one. */
  readonly dockerfile: string
  /** Of the Dockerfile's text. */
  readonly dockerfileDigest: Digest
  readonly target?: string | undefined
  /** The git commit, when the build was told of it. */
  readonly revision?: string | undefined
  /** Absent for an image from scratch. */
  readonly base?: BaseOrigin | undefined
  /** The builder's own document of how to build it again, JSON. Unknown for what was noted before recipes were. */
  readonly recipe?: string | undefined
}

export interface BaseOrigin {
  /** Complete name: `docker.io/library/debian:trixie`. */
  readonly name: string
  /** Of the manifest or index that the name pointed at when it was built on. */
  readonly digest: Digest
}

export interface OriginStore {
  /** In place of what is known of the image. It must be registered. */
  put(origin: Omit<Origin, 'at' | 'who'>): void
  get(digest: Digest): Origin | undefined
}

interface OriginRow {
  readonly digest: Digest
  readonly at: number
  readonly who: string
  readonly builder: string
  readonly dockerfile: string
  readonly dockerfile_digest: Digest
  readonly target: string | null
  readonly revision: string | null
  readonly base_name: string | null
  readonly base_digest: Digest | null
  readonly recipe: string | null
}

export function createOrigins(database: Database): OriginStore {
  return {
    put: origin => put(database, { ...origin, at: Date.now(), who: currentUser() }),
    get: digest => {
      const row = database.get<OriginRow>('SELECT * FROM origins WHERE digest = ?', digest)
      return row && originOf(row)
    },
  }
}

function put(database: Database, { base, ...origin }: Origin): void {
  database.write(() =>
    database.run(
      `INSERT OR REPLACE INTO origins
       (digest, at, who, builder, dockerfile, dockerfile_digest, target, revision, base_name, base_digest, recipe)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      origin.digest,
      origin.at,
      origin.who,
      origin.builder,
      origin.dockerfile,
      origin.dockerfileDigest,
      origin.target ?? null,
      origin.revision ?? null,
      base?.name ?? null,
      base?.digest ?? null,
      origin.recipe ?? null,
    ),
  )
}

function originOf(row: OriginRow): Origin {
  const { digest, at, who, builder, dockerfile, base_name: name, base_digest: base } = row
  return {
    digest,
    at,
    who,
    builder,
    dockerfile,
    dockerfileDigest: row.dockerfile_digest,
    target: row.target ?? undefined,
    revision: row.revision ?? undefined,
    base: name === null || base === null ? undefined : { name, digest: base },
    recipe: row.recipe ?? undefined,
  }
}
