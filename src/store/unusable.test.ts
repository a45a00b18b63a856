import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ShaleError } from '../error.ts'
import { layoutOf } from './layout.ts'
import { openStore } from './open.ts'
import { temporaryFolder } from './testing.ts'
import { type Probe, whyUnusable } from './unusable.ts'

function failing(code: string, at: string): Probe {
  return path => {
    if (path === at) throw Object.assign(new Error(code), { code })
  }
}

const ROOT = process.getuid?.() ?? 0

const ROWS: readonly (readonly [what: string, code: string, at: string, message: RegExp, hint: RegExp])[] = [
  [
    'a read-only store',
    'EROFS',
    's',
    /^cannot use the store \S+\/s: \S+\/s is on a read-only file system$/,
    /elsewhere/,
  ],
  ['a read-only database', 'EROFS', 's/shale.db', /\/s\/shale\.db is on a read-only file system$/, /elsewhere/],
  [
    'a folder of one’s own',
    'EACCES',
    's',
    /may not write to \S+\/s, which belongs to you \(mode 755\)$/,
    /chmod u\+rwX/,
  ],
  ['a new store in a closed folder', 'EACCES', '', new RegExp(`: user ${ROOT} may not write to`), /chmod/],
]

for (const [what, code, at, message, hint] of ROWS) {
  test(`${what} is named`, t => {
    const folder = temporaryFolder(t)
    if (at !== '') mkdirSync(join(folder, 's'), { mode: 0o755 })
    if (at.endsWith('.db')) writeFileSync(join(folder, at), '')
    const cause = Object.assign(new Error('ENOENT'), { code: 'ENOENT' })
    const error = whyUnusable(cause, layoutOf(join(folder, 's')), failing(code, join(folder, at)))
    assert.ok(error instanceof ShaleError)
    assert.equal(error.code, 'STORE_UNUSABLE')
    assert.match(error.message, message)
    assert.match(error.hint ?? '', hint)
  })
}

test('a file in the way is named, wherever it is', t => {
  const folder = temporaryFolder(t)
  const file = join(folder, 'file')
  writeFileSync(file, '')
  symlinkSync('nowhere', join(folder, 'link'))
  mkdirSync(join(folder, 'store'))
  writeFileSync(join(folder, 'store', 'trees'), '')
  const rows = [
    [file, file],
    [join(file, 'below'), file],
    [join(folder, 'link'), join(folder, 'link')],
    [join(folder, 'store'), join(folder, 'store', 'trees')],
  ] as const
  for (const [root, named] of rows) {
    const message = `cannot use the store ${root}: ${named} is not a folder`
    assert.throws(() => openStore({ root }), { code: 'STORE_UNUSABLE', message, hint: /--root or SHALE_ROOT/ })
  }
})

test('an error that has a reason of its own keeps it', t => {
  const layout = layoutOf(temporaryFolder(t))
  const damaged = new ShaleError('STORE_DAMAGED', 'x')
  assert.equal(whyUnusable(damaged, layout), damaged)
  const other = new Error('other')
  assert.equal(whyUnusable(other, layout), other)
})
