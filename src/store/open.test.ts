import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { defaultRoot, openStore } from './open.ts'
import { temporaryFolder, temporaryStore } from './testing.ts'

test('the default folder follows SHALE_ROOT, then root, then XDG', () => {
  const rows = [
    [{ SHALE_ROOT: '/x', XDG_DATA_HOME: '/d' }, 0, '/x'],
    [{ HOME: '/root' }, 0, '/var/lib/shale'],
    [{ XDG_DATA_HOME: '/d', HOME: '/h' }, 1000, '/d/shale'],
    [{ XDG_DATA_HOME: 'relative', HOME: '/h' }, 1000, '/h/.local/share/shale'],
    [{ SHALE_ROOT: '', HOME: '/h' }, 1000, '/h/.local/share/shale'],
  ] as const
  for (const [env, uid, expected] of rows) assert.equal(defaultRoot(env, uid), expected)
})

test('a store is made private, opened again fast, and closed twice', t => {
  const root = join(temporaryFolder(t), 'new', 'store')
  openStore({ root }).close()
  assert.equal(statSync(root).mode & 0o777, 0o700)
  const start = performance.now()
  const store = openStore({ root })
  const took = performance.now() - start
  t.diagnostic(`${took.toFixed(2)} ms`)
  assert.ok(took < 100, `${took} ms`)
  store.close()
  store.close()
})

test('a store of a newer shale is refused and left alone', t => {
  const store = temporaryStore(t)
  store.database.get('PRAGMA user_version = 999')
  assert.throws(() => openStore({ root: store.root }), { code: 'STORE_TOO_NEW', hint: /version 999/ })
  assert.equal(store.database.get<{ user_version: number }>('PRAGMA user_version')?.user_version, 999)
})

test('a folder that cannot hold a store is named', t => {
  const folder = temporaryFolder(t)
  const file = join(folder, 'file')
  writeFileSync(file, '')
  assert.throws(() => openStore({ root: file }), { code: 'STORE_UNUSABLE', message: new RegExp(file) })
  assert.throws(() => openStore({ root: '/proc/nothing/store' }), {
    code: 'STORE_UNUSABLE',
    message: /\/proc\/nothing/,
  })
  const broken = join(folder, 'broken')
  mkdirSync(broken)
  writeFileSync(join(broken, 'shale.db'), 'this is no database, but long enough to be read as one'.repeat(100))
  assert.throws(() => openStore({ root: broken }), { code: 'STORE_DAMAGED', message: /not a database/ })
  chmodSync(broken, 0o700)
})

test('old temporary files go when the store is opened; young ones and those of a live lease stay', t => {
  const store = temporaryStore(t)
  const lease = store.lease('test')
  const names = ['old', 'young', `${lease.id}-of-a-lease`]
  for (const name of names) {
    const path = join(store.tempDir, name)
    writeFileSync(path, '')
    if (name !== 'young') utimesSync(path, 0, 0)
  }
  openStore({ root: store.root }).close()
  assert.deepEqual(
    names.map(name => existsSync(join(store.tempDir, name))),
    [false, true, true],
  )
})

test('leases end with the store, and a lease can hold what it finds', async t => {
  const root = temporaryFolder(t)
  const store = openStore({ root })
  const lease = store.lease('test')
  const { digest } = await store.blobs.put(lease, Buffer.from('x'))
  assert.ok(store.hold(lease, { kind: 'blob', digest }))
  assert.ok(!store.hold(lease, { kind: 'layer', id: 1 }))
  assert.ok(!store.hold(lease, { kind: 'image', id: digest }))
  store.close()
  const again = openStore({ root })
  t.after(() => again.close())
  assert.deepEqual(again.database.all('SELECT * FROM leases'), [])
  assert.deepEqual(again.database.all('SELECT * FROM holds'), [])
})
