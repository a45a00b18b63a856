import assert from 'node:assert/strict'
import { linkSync, writeFileSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { run } from '../../scripts/bases/process.ts'
import { busyboxRootfs } from './busybox.ts'
import { fixtureTree } from './fixture.ts'
import { tmp } from './shale.ts'
import { snapshotTree } from './snapshot.ts'
import { setXattr } from './xattr.ts'

test('a tree from a description has what the description says', async t => {
  const folder = await fixtureTree(await tmp(t), {
    'a.txt': 'hello',
    'run.sh': { content: '#!/bin/sh\n', mode: 0o755, mtime: 1_700_000_000 },
    'empty/': { mode: 0o1777, mtime: 5 },
    'deep/er/file': { content: new Uint8Array([0, 255]), mtime: 1.5 },
    'deep/link': { symlink: '../a.txt' },
    'same.txt': { hardlink: 'a.txt' },
  })
  const found = snapshotTree(folder, { without: ['owner'] })
  assert.deepEqual(Object.keys(found), [
    'a.txt',
    'deep',
    'deep/er',
    'deep/er/file',
    'deep/link',
    'empty',
    'run.sh',
    'same.txt',
  ])
  assert.deepEqual(found['a.txt']?.links, ['a.txt', 'same.txt'])
  assert.equal(found['a.txt']?.sha256, found['same.txt']?.sha256)
  assert.equal(found['deep/er/file']?.mtimeNs, 1_500_000_000n)
  assert.equal(found['deep/link']?.target, '../a.txt')
  assert.deepEqual(found.empty, { type: 'dir', mode: '1777', mtimeNs: 5_000_000_000n })
  assert.equal(found['run.sh']?.mode, '0755')
})

test('a snapshot tells names that are not UTF-8 and extended attributes', async t => {
  const folder = await tmp(t)
  const name = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0x41])])
  writeFileSync(name, 'x')
  writeFileSync(join(folder, 'plain'), 'y')
  linkSync(join(folder, 'plain'), join(folder, 'again'))
  setXattr(join(folder, 'plain'), 'user.note', Buffer.from([1, 0, 2]))
  const found = snapshotTree(folder)
  assert.deepEqual(Object.keys(found), ['again', 'plain', '\xffA'])
  assert.deepEqual(found.plain?.xattrs, { 'user.note': '010002' })
  assert.deepEqual(found.plain, found.again)
})

const USER_CASES = [
  ['addgroup -S app && adduser -S app -G app', 'app:x:100:101:Linux User,,,:/home/app:/bin/false', 'app:x:101:'],
  ['adduser -D kim', 'kim:x:1000:1000:Linux User,,,:/home/kim:/bin/sh', 'kim:x:1000:'],
  [
    'adduser -D -H -u 5000 -s /bin/ash bo && addgroup bo wheel',
    'bo:x:5000:5000:Linux User,,,:/home/bo:/bin/ash',
    'wheel:x:10:root,bo',
  ],
  ['addgroup -g 777 team && adduser -D -G team lee', 'lee:x:1000:777:Linux User,,,:/home/lee:/bin/sh', 'team:x:777:'],
] as const

if (process.getuid?.() !== 0) console.log('busyboxRootfs is tested as root only: it needs chroot')
else {
  for (const [command, user, group] of USER_CASES) {
    test(`busybox root: ${command}`, async t => {
      const root = join(await tmp(t), 'root')
      await cp(await busyboxRootfs(), root, { recursive: true, verbatimSymlinks: true })
      const script = `PATH=/usr/sbin:/bin; ${command} && cat /etc/passwd /etc/group`
      const outcome = await run('chroot', [root, '/bin/sh', '-c', script])
      assert.equal(outcome.code, 0, outcome.stderr)
      const lines = outcome.stdout.split('\n')
      assert.ok(lines.includes(user), outcome.stdout)
      assert.ok(lines.includes(group), outcome.stdout)
    })
  }
}
