import assert from 'node:assert/strict'
import { renameSync } from 'node:fs'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { openDatabase } from '../../src/store/database.ts'
import { MIGRATIONS } from '../../src/store/schema.ts'
import { assertHealthy } from './aftermath.ts'
import { type Program, programOn } from './program.ts'
import { EPOCH, writeProject } from './project.ts'

let work = ''
let id = ''
let build: readonly string[] = []

before(async () => {
  work = await mkdtemp(join(tmpdir(), 'shale-versions-'))
  build = ['build', '-q', '-t', 'app:1', await writeProject(join(work, 'project'), 30)]
  id = (await programOn(join(work, 'whole'), EPOCH).must(build)).trim()
})

after(() => rm(work, { recursive: true, force: true }))

async function copyOfStore(name: string): Promise<Program> {
  const root = join(work, name)
  await cp(join(work, 'whole'), root, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true })
  return programOn(root, EPOCH)
}

const databaseOf = ({ root }: Program): string => join(root, 'shale.db')

function withDatabase<T>(path: string, use: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(path)
  try {
    return use(database)
  } finally {
    database.close()
  }
}

const versionOf = (path: string): unknown =>
  withDatabase(path, database => database.prepare('PRAGMA user_version').get()?.user_version)

/** What a later shale may do to the tables. */
const STEP = "ALTER TABLE images ADD COLUMN note TEXT NOT NULL DEFAULT 'old'"

const rowsOf = (database: DatabaseSync) =>
  database
    .prepare('SELECT * FROM images')
    .all()
    .map(row => ({ ...row }))

test('a store of an earlier schema is brought to the next one with all that it holds', async () => {
  const shale = await copyOfStore('older')
  const before = withDatabase(databaseOf(shale), rowsOf)
  const options = { migrations: [...MIGRATIONS, STEP] }
  openDatabase(databaseOf(shale), options).close()
  assert.equal(versionOf(databaseOf(shale)), MIGRATIONS.length + 1)
  assert.deepEqual(
    withDatabase(databaseOf(shale), rowsOf),
    before.map(row => ({ ...row, note: 'old' })),
  )
  // Once only: a second ALTER TABLE would fail.
  openDatabase(databaseOf(shale), options).close()
})

for (let version = 1; version < MIGRATIONS.length; version++) {
  test(`a store of schema ${version} is used and checked as if it had always been of this one`, async () => {
    const shale = await copyOfStore(`schema-${version}`)
    bringBack(shale, version)
    assert.equal((await assertHealthy(shale)).repaired, 0)
    assert.equal(versionOf(databaseOf(shale)), MIGRATIONS.length)
    assert.match((await shale.call(['build', ...build.slice(2)])).stderr, /every step came from the cache/)
    assert.equal((await shale.must(build)).trim(), id)
    assert.equal((await assertHealthy(shale)).repaired, 0)
  })
}

/** The database as it was at that version: its tables, and of the rows what they could hold. */
function bringBack(shale: Program, version: number): void {
  const path = databaseOf(shale)
  const old = `${path}.old`
  openDatabase(old, { migrations: MIGRATIONS.slice(0, version) }).close()
  const database = new DatabaseSync(old, { enableForeignKeyConstraints: false })
  database.prepare('ATTACH ? AS now').all(path)
  const tables = database.prepare(
    "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
  )
  for (const { name } of tables.all()) {
    const columns = database.prepare(`SELECT name FROM pragma_table_info('${name}', 'main')`).all()
    const list = columns.map(column => column.name).join(', ')
    database.exec(`INSERT INTO main.${name} (${list}) SELECT ${list} FROM now.${name}`)
  }
  database.close()
  renameSync(old, path)
}

test('a step that fails leaves the schema and the store as they were', async () => {
  const shale = await copyOfStore('failing')
  const migrations = [...MIGRATIONS, STEP, 'ALTER TABLE nothing ADD COLUMN at ALL']
  assert.throws(() => openDatabase(databaseOf(shale), { migrations }), /nothing/)
  assert.equal(versionOf(databaseOf(shale)), MIGRATIONS.length)
  assert.equal((await shale.must(build)).trim(), id)
  assert.equal((await assertHealthy(shale)).repaired, 0)
})

test('a store of a later shale is refused and stays as it is', async () => {
  const shale = await copyOfStore('future')
  const later = MIGRATIONS.length + 1
  withDatabase(databaseOf(shale), database => database.exec(`PRAGMA user_version = ${later}`))
  for (const command of [['images'], build, ['rmi', '-f', 'app:1'], ['system', 'prune', '-af']]) {
    const { code, stderr } = await shale.call(command)
    assert.equal(code, 1, command.join(' '))
    assert.match(stderr, /^ERROR: the store's database .*shale\.db was written by a newer shale\nhint: .*update shale/)
  }
  assert.equal(versionOf(databaseOf(shale)), later)
  withDatabase(databaseOf(shale), database => database.exec(`PRAGMA user_version = ${MIGRATIONS.length}`))
  assert.equal((await shale.must(['images', '-q', '--no-trunc', 'app:1'])).trim(), id)
  assert.equal((await assertHealthy(shale)).repaired, 0)
})
