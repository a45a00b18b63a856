import { REGISTRY_TABLES } from './schema-registry.ts'

/**
 * The tables, as steps from one version to the next; `PRAGMA user_version` counts the steps that a database has taken.
 * A step that has been released is never edited.
 *
 * Content tables (`blobs`, `layers`, `trees`) say what is on disk. Root tables (`images`, `containers`, `cache_records`, `holds`, and
 * those of the registry) say what keeps it. A row is written in the same write transaction in which its file gets its name.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE leases (
    id TEXT PRIMARY KEY, purpose TEXT NOT NULL, heartbeat INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE holds (
    lease TEXT NOT NULL REFERENCES leases ON DELETE CASCADE, kind TEXT NOT NULL, ref TEXT NOT NULL,
    PRIMARY KEY (lease, kind, ref)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE blobs (
    digest TEXT PRIMARY KEY, size INTEGER NOT NULL, added_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE layers (
    id INTEGER PRIMARY KEY AUTOINCREMENT, content_id TEXT NOT NULL, toc_digest TEXT NOT NULL, diff_id TEXT,
    unpacked_size INTEGER NOT NULL, entries INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX layers_by_toc ON layers (toc_digest, coalesce(diff_id, ''));
  CREATE INDEX layers_by_diff_id ON layers (diff_id);
  CREATE TABLE layer_blobs (
    layer INTEGER NOT NULL REFERENCES layers ON DELETE CASCADE, digest TEXT NOT NULL, size INTEGER NOT NULL,
    compression TEXT NOT NULL, media_type TEXT NOT NULL, packer TEXT NOT NULL, annotations TEXT,
    PRIMARY KEY (layer, digest)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE trees (
    id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, state TEXT NOT NULL, used_at INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX trees_by_key ON trees (key) WHERE state = 'ready';

  CREATE TABLE manifests (
    digest TEXT PRIMARY KEY, media_type TEXT NOT NULL, kind TEXT NOT NULL,
    created TEXT, os TEXT, architecture TEXT, variant TEXT, labels TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE manifest_refs (
    manifest TEXT NOT NULL REFERENCES manifests ON DELETE CASCADE, position INTEGER NOT NULL, role TEXT NOT NULL,
    digest TEXT NOT NULL, diff_id TEXT,
    PRIMARY KEY (manifest, position)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX manifest_refs_by_digest ON manifest_refs (digest);
  CREATE TABLE images (
    digest TEXT PRIMARY KEY REFERENCES manifests, added_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE tags (
    name TEXT PRIMARY KEY, digest TEXT NOT NULL REFERENCES images, at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX tags_by_digest ON tags (digest);
  CREATE TABLE tag_changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, digest TEXT, previous TEXT, at INTEGER NOT NULL,
    why TEXT NOT NULL
  ) STRICT;
  CREATE INDEX tag_changes_by_name ON tag_changes (name);
  CREATE TABLE repo_digests (
    digest TEXT NOT NULL REFERENCES images ON DELETE CASCADE, repository TEXT NOT NULL,
    PRIMARY KEY (digest, repository)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE cache_records (
    key TEXT PRIMARY KEY, title TEXT NOT NULL, kind TEXT NOT NULL, ingredients TEXT NOT NULL, input_toc TEXT,
    layer INTEGER REFERENCES layers, created_at INTEGER NOT NULL, duration_ms REAL NOT NULL,
    last_used_at INTEGER NOT NULL, uses INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX cache_records_by_layer ON cache_records (layer);
  CREATE TABLE builds (
    lineage TEXT PRIMARY KEY, at INTEGER NOT NULL, steps TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  // Manifests over the same content in another compression, made to be pushed. They are no images of their own.
  `
  CREATE TABLE image_variants (
    digest TEXT PRIMARY KEY, original TEXT NOT NULL REFERENCES manifests ON DELETE CASCADE, compression TEXT NOT NULL,
    at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX image_variants_by_original ON image_variants (original);
  `,
  REGISTRY_TABLES,
  // Who moved a tag, what an image was built from, and what was put into registries from here. A publication outlives
  // its image.
  `
  ALTER TABLE tag_changes ADD COLUMN who TEXT;
  CREATE INDEX tag_changes_by_digest ON tag_changes (digest);

  CREATE TABLE origins (
    digest TEXT PRIMARY KEY REFERENCES manifests ON DELETE CASCADE, at INTEGER NOT NULL, who TEXT NOT NULL,
    builder TEXT NOT NULL, dockerfile TEXT NOT NULL, dockerfile_digest TEXT NOT NULL, target TEXT, revision TEXT,
    base_name TEXT, base_digest TEXT
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE publications (
    id INTEGER PRIMARY KEY AUTOINCREMENT, digest TEXT NOT NULL, name TEXT NOT NULL, previous TEXT, why TEXT NOT NULL,
    at INTEGER NOT NULL, who TEXT NOT NULL
  ) STRICT;
  CREATE INDEX publications_by_digest ON publications (digest);
  CREATE INDEX publications_by_name ON publications (name);
  `,
  // See seal.ts. Rows from before have none.
  `
  ALTER TABLE layers ADD COLUMN seal INTEGER;
  ALTER TABLE layer_blobs ADD COLUMN seal INTEGER;
  ALTER TABLE manifest_refs ADD COLUMN seal INTEGER;
  ALTER TABLE cache_records ADD COLUMN seal INTEGER;
  `,
  // Folders of RUN's cache mounts, and who uses them now. A use ends with its lease.
  `
  CREATE TABLE cache_mounts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, title TEXT NOT NULL, state TEXT NOT NULL,
    created_at INTEGER NOT NULL, used_at INTEGER NOT NULL, uses INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX cache_mounts_by_key ON cache_mounts (key);
  CREATE TABLE cache_mount_uses (
    token INTEGER PRIMARY KEY AUTOINCREMENT, cache INTEGER NOT NULL REFERENCES cache_mounts ON DELETE CASCADE,
    lease TEXT NOT NULL REFERENCES leases ON DELETE CASCADE, sharing TEXT NOT NULL
  ) STRICT;
  `,
  // Manifests that refer to images, with what they name, for as long as their subjects stay.
  `
  CREATE TABLE referrers (
    digest TEXT PRIMARY KEY REFERENCES blobs ON DELETE CASCADE, subject TEXT NOT NULL, at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX referrers_by_subject ON referrers (subject);
  CREATE TABLE referrer_blobs (
    referrer TEXT NOT NULL REFERENCES referrers ON DELETE CASCADE, digest TEXT NOT NULL,
    PRIMARY KEY (referrer, digest)
  ) STRICT, WITHOUT ROWID;
  `,
  // Volumes, and which containers have them: by ID, or as long as a lease lives.
  `
  CREATE TABLE volumes (
    name TEXT PRIMARY KEY, labels TEXT NOT NULL, options TEXT NOT NULL, created_at INTEGER NOT NULL,
    anonymous INTEGER NOT NULL, filled INTEGER NOT NULL DEFAULT 0
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE volume_uses (
    volume TEXT NOT NULL REFERENCES volumes ON DELETE CASCADE, holder TEXT NOT NULL,
    lease TEXT REFERENCES leases ON DELETE CASCADE,
    PRIMARY KEY (volume, holder)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX volume_uses_by_holder ON volume_uses (holder);
  `,
  // A container is a root: its image's content stays even when the image has lost its row. `options` is the document of
  // the container room; who looks after a running one is named by process, start time and boot, for IDs come again.
  `
  CREATE TABLE containers (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, image TEXT NOT NULL, created_at INTEGER NOT NULL,
    options TEXT NOT NULL, status TEXT NOT NULL, pid INTEGER, keeper TEXT, started_at INTEGER, finished_at INTEGER,
    exit_code INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '', oom_killed INTEGER NOT NULL DEFAULT 0,
    restarts INTEGER NOT NULL DEFAULT 0, stopped INTEGER NOT NULL DEFAULT 0, health TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX containers_by_image ON containers (image);
  `,
  // How an image is built again; unknown for those that were built before.
  'ALTER TABLE origins ADD COLUMN recipe TEXT;',
]
