import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Entry } from '../layer/entry.ts'
import { tocOf } from '../layer/toc.ts'
import { layeredView } from '../rootfs/view.ts'
import { changesOf } from './changes.ts'

const common = { mode: 0o644, uid: 0, gid: 0, mtime: 0, mtimeNs: 0 }
const file = (path: string): Entry => ({ ...common, kind: 'file', path, size: 0, digest: '' })
const folder = (path: string, opaque?: true): Entry => ({
  ...common,
  kind: 'directory',
  path,
  ...(opaque !== undefined && { opaque }),
})
const gone = (path: string): Entry => ({ ...common, kind: 'whiteout', path })

const BELOW = layeredView([tocOf([folder('etc'), file('etc/a'), file('etc/b'), folder('srv'), file('srv/x')])])

const CASES: readonly (readonly [what: string, entries: readonly Entry[], changes: string])[] = [
  ['nothing', [folder('')], ''],
  ['a new file in a folder that was there', [folder(''), folder('etc'), file('etc/c')], 'C etc, A etc/c'],
  ['another content', [folder('etc'), file('etc/a')], 'C etc, C etc/a'],
  ['a file less', [folder('etc'), gone('etc/b')], 'C etc, D etc/b'],
  ['a folder made anew', [folder('srv', true), file('srv/y')], 'C srv, D srv/x, A srv/y'],
]

test('what a container has changed, in docker’s letters', () => {
  for (const [what, entries, expected] of CASES) {
    const changes = changesOf(BELOW, tocOf(entries))
    assert.equal(changes.map(({ kind, path }) => `${kind} ${path}`).join(', '), expected, what)
  }
})
