/**
 * The tables of the registry server. A repository's blobs, manifests and fresh blobs are roots like images: their
 * digests keep the store's blobs. `registry_refs` says what a manifest needs; of `kind` blob or manifest.
 */
export const REGISTRY_TABLES = `
  CREATE TABLE registry_repositories (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE registry_blobs (
    repository INTEGER NOT NULL REFERENCES registry_repositories ON DELETE CASCADE, digest TEXT NOT NULL,
    used_at INTEGER NOT NULL,
    PRIMARY KEY (repository, digest)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX registry_blobs_by_digest ON registry_blobs (digest);
  CREATE TABLE registry_manifests (
    repository INTEGER NOT NULL REFERENCES registry_repositories ON DELETE CASCADE, digest TEXT NOT NULL,
    media_type TEXT NOT NULL, artifact_type TEXT, subject TEXT, annotations TEXT,
    pushed_at INTEGER NOT NULL, pushed_by TEXT,
    PRIMARY KEY (repository, digest)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX registry_manifests_by_digest ON registry_manifests (digest);
  CREATE INDEX registry_manifests_by_subject ON registry_manifests (repository, subject, digest)
    WHERE subject IS NOT NULL;
  CREATE TABLE registry_refs (
    repository INTEGER NOT NULL, manifest TEXT NOT NULL, digest TEXT NOT NULL, kind TEXT NOT NULL,
    PRIMARY KEY (repository, manifest, digest),
    FOREIGN KEY (repository, manifest) REFERENCES registry_manifests ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX registry_refs_by_digest ON registry_refs (repository, digest);
  CREATE TABLE registry_tags (
    repository INTEGER NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL, at INTEGER NOT NULL, by TEXT,
    PRIMARY KEY (repository, name),
    FOREIGN KEY (repository, digest) REFERENCES registry_manifests
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX registry_tags_by_digest ON registry_tags (repository, digest);
  CREATE TABLE registry_tag_changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    repository INTEGER NOT NULL REFERENCES registry_repositories ON DELETE CASCADE, name TEXT NOT NULL,
    digest TEXT, previous TEXT, at INTEGER NOT NULL, by TEXT
  ) STRICT;
  CREATE INDEX registry_tag_changes_by_name ON registry_tag_changes (repository, name);
  CREATE TABLE registry_uploads (
    id TEXT PRIMARY KEY, repository TEXT NOT NULL, file TEXT NOT NULL,
    started_at INTEGER NOT NULL, touched_at INTEGER NOT NULL, writer TEXT, writer_at INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE registry_fresh (
    digest TEXT PRIMARY KEY, at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `
