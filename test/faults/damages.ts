import assert from 'node:assert/strict'
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** Something that happens to a store while nobody uses it. */
export interface Damage {
  readonly name: string
  readonly to: (root: string) => void
  /** Kinds of findings that a check reports. */
  readonly found: readonly string[]
  /** Kinds of what a repair leaves to the next build; nothing if absent. */
  readonly left?: readonly string[]
}

type Sql = (database: DatabaseSync) => void

/** Changes rows as no release of Shale would: nothing is enforced. */
function inDatabase(root: string, change: Sql): void {
  const database = new DatabaseSync(join(root, 'shale.db'), { enableForeignKeyConstraints: false })
  change(database)
  database.close()
}

/** The file of the blob that a query names. */
function fileOf(root: string, sql: string): string {
  const database = new DatabaseSync(join(root, 'shale.db'))
  const row = database.prepare(sql).get()
  database.close()
  const digest = String(row?.digest ?? assert.fail(`nothing for ${sql}`))
  const path = join(root, 'blobs', digest.replace(':', '/'))
  chmodSync(path, 0o600)
  return path
}

const LAYER = "SELECT digest FROM manifest_refs WHERE role = 'layer' ORDER BY position LIMIT 1 OFFSET 1"
const CONFIG = "SELECT digest FROM manifest_refs WHERE role = 'config'"
const MANIFEST = 'SELECT digest FROM images'
/** Of a layer that was packed for the image: with times that no recorded step has. */
const TABLE = `SELECT toc_digest AS digest FROM layers l JOIN manifest_refs r ON r.diff_id = l.diff_id
  WHERE r.position = 2`

function flip(path: string): void {
  const bytes = readFileSync(path)
  const middle = bytes.length >> 1
  bytes[middle] = (bytes[middle] ?? 0) ^ 1
  writeFileSync(path, bytes)
}

function halve(path: string): void {
  truncateSync(path, statSync(path).size >> 1)
}

function firstTree(root: string): string {
  const trees = join(root, 'trees')
  const name = readdirSync(trees).find(tree => readdirSync(join(trees, tree)).includes('src'))
  return join(trees, name ?? assert.fail('no tree has src'))
}

function firstFile(folder: string): string {
  const [entry] = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(item => item.isFile())
  return join(entry?.parentPath ?? '', entry?.name ?? assert.fail('no file'))
}

const NOWHERE = `sha256:${'0'.repeat(64)}`
const DIFF_ID = 'SELECT diff_id FROM manifest_refs WHERE position = 2'

function row(name: string, found: readonly string[], sql: string): Damage {
  return { name, to: root => inDatabase(root, database => database.exec(sql)), found }
}

const BLOB_OF_IMAGE = { found: ['blob', 'image'], left: ['image'] }

export const DAMAGES: readonly Damage[] = [
  { name: 'a layer bit-flipped', to: root => flip(fileOf(root, LAYER)), ...BLOB_OF_IMAGE },
  { name: 'a layer truncated', to: root => halve(fileOf(root, LAYER)), ...BLOB_OF_IMAGE },
  { name: 'a layer missing', to: root => rmSync(fileOf(root, LAYER)), ...BLOB_OF_IMAGE },
  { name: 'a layer emptied', to: root => truncateSync(fileOf(root, LAYER), 0), ...BLOB_OF_IMAGE },
  { name: 'a config bit-flipped', to: root => flip(fileOf(root, CONFIG)), ...BLOB_OF_IMAGE },
  { name: 'a manifest missing', to: root => rmSync(fileOf(root, MANIFEST)), ...BLOB_OF_IMAGE },
  { name: 'a manifest bit-flipped', to: root => flip(fileOf(root, MANIFEST)), ...BLOB_OF_IMAGE },
  { name: 'a table bit-flipped', to: root => flip(fileOf(root, TABLE)), found: ['blob', 'image', 'table'] },
  { name: 'a table missing', to: root => rmSync(fileOf(root, TABLE)), found: ['blob', 'image', 'table'] },
  {
    name: 'a changed file in a tree',
    to: root => writeFileSync(firstFile(firstTree(root)), 'changed'),
    found: ['tree'],
  },
  { name: 'a file too many in a tree', to: root => writeFileSync(join(firstTree(root), 'x'), ''), found: ['tree'] },
  { name: 'a tree missing', to: root => rmSync(firstTree(root), { recursive: true }), found: ['tree'] },
  {
    name: 'a file without a row',
    to: root => inDatabase(root, database => database.exec(`DELETE FROM blobs WHERE digest = (${LAYER})`)),
    found: ['file', 'image'],
  },
  {
    name: 'a file that is no blob',
    to: root => writeFileSync(join(root, 'blobs/sha256/x'), ''),
    found: ['file'],
  },
  {
    name: 'a tag of an image that is not there',
    to: root =>
      inDatabase(root, database =>
        database.exec(`INSERT INTO tags VALUES ('docker.io/library/lost:1', 'sha256:${'0'.repeat(64)}', 1)`),
      ),
    found: ['tag'],
  },
  {
    name: 'an image whose row is gone',
    to: root => inDatabase(root, database => database.exec('DELETE FROM images; DELETE FROM manifests')),
    found: ['database', 'tag'],
  },
  ...[
    row(
      'a recorded step with half of its ingredients',
      ['record'],
      'UPDATE cache_records SET ingredients = substr(ingredients, 1, 40)',
    ),
    row(
      'a recorded step with another layer',
      ['record'],
      "UPDATE cache_records SET layer = layer % 5 + 1 WHERE title LIKE 'RUN%'",
    ),
    row('a last build that is no JSON', ['record'], "UPDATE builds SET steps = '[{'"),
    row(
      'a layer with another diff ID',
      ['image', 'layer'],
      `UPDATE layers SET diff_id = '${NOWHERE}' WHERE diff_id = (${DIFF_ID})`,
    ),
    row(
      'a layer with another table',
      ['image', 'layer'],
      `UPDATE layers SET toc_digest = '${NOWHERE}' WHERE diff_id = (${DIFF_ID})`,
    ),
    // Which of the layers have a blob at all depends on the order in which the stages came to be.
    row(
      "a layer with another layer's blob",
      ['layer'],
      `UPDATE layer_blobs SET layer = (SELECT min(layer) FROM layer_blobs)
        WHERE layer = (SELECT max(layer) FROM layer_blobs)`,
    ),
    row('a layer blob of another type', ['layer'], "UPDATE layer_blobs SET media_type = 'application/x'"),
    row('an image with damaged labels', ['image'], `UPDATE manifests SET labels = '{"a'`),
    row('an image of another kind', ['image'], "UPDATE manifests SET kind = 'indey'"),
    row(
      'an image that names another layer',
      ['image'],
      `UPDATE manifest_refs SET digest = '${NOWHERE}' WHERE position = 2`,
    ),
    row('a tag that points nowhere', ['tag'], `UPDATE tags SET digest = '${NOWHERE}'`),
    row('a tag with a name that is none', ['tag'], "UPDATE tags SET name = 'docker.io/libr@ry/app:1'"),
    row('a time that cannot be', ['database'], 'UPDATE images SET added_at = -9007199254740993'),
    row('a blob with another size', ['blob'], `UPDATE blobs SET size = size + 4096 WHERE digest = (${LAYER})`),
    row(
      'a blob whose row has another name',
      ['database', 'file', 'image'],
      `UPDATE blobs SET digest = 'rha' || substr(digest, 4) WHERE digest = (${LAYER})`,
    ),
  ],
]

/** What happens to the database itself; it cannot be opened then. */
export const DATABASE_DAMAGES: readonly Omit<Damage, 'found'>[] = [
  { name: 'garbage from its beginning', to: root => overwrite(root, 0, 4096) },
  { name: 'garbage after its first page', to: root => overwrite(root, 4096, 8192) },
  { name: 'truncated to half', to: root => halve(join(root, 'shale.db')) },
  { name: 'emptied', to: root => truncateSync(join(root, 'shale.db'), 0) },
  { name: 'missing', to: root => rmSync(join(root, 'shale.db')) },
]

function overwrite(root: string, from: number, length: number): void {
  const path = join(root, 'shale.db')
  const bytes = readFileSync(path)
  bytes.fill(0x5a, from, from + length)
  writeFileSync(path, bytes)
}
