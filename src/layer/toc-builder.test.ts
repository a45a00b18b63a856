import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Entry } from './entry.ts'
import { TocBuilder } from './toc-builder.ts'
import { decodeToc, encodeToc } from './toc-codec.ts'

const COMMON = { mode: 0o644, uid: 0, gid: 0, mtime: 1, mtimeNs: 0 } as const
const hex = (character: string): string => character.repeat(64)

/** Members in a short notation: `f a 1` file with digest 1…, `d a`, `l a target`, `h a target`, `w a`, `o a`. */
function add(builder: TocBuilder, line: string): void {
  const [kind, path = '', rest = ''] = line.split(' ')
  const whiteout = { mode: 0, uid: 0, gid: 0, mtime: 0, mtimeNs: 0 }
  if (kind === 'f') builder.add({ kind: 'file', path, ...COMMON, size: 1, digest: hex(rest) })
  else if (kind === 'd') builder.add({ kind: 'directory', path, ...COMMON })
  else if (kind === 'l') builder.add({ kind: 'symlink', path, ...COMMON, target: rest })
  else if (kind === 'h') builder.add({ kind: 'hardlink', path, ...COMMON, target: rest })
  else if (kind === 'w') builder.add({ kind: 'whiteout', path, ...whiteout })
  else builder.add({ kind: 'opaque', path })
}

function show(entry: Entry): string {
  if (entry.kind === 'file') return `f ${entry.path} ${entry.digest[0]}`
  if (entry.kind === 'directory') return `${entry.opaque === true ? 'D' : 'd'} ${entry.path}`
  if (entry.kind === 'symlink') return `l ${entry.path} ${entry.target}`
  if (entry.kind === 'hardlink') return `h ${entry.path} ${entry.target}`
  return `w ${entry.path}`
}

const TABLE: readonly (readonly [what: string, members: string, table: string])[] = [
  ['sorts', 'f b 1, d a, f a/x 2, f a-b 3', 'd a, f a-b 3, f a/x 2, f b 1'],
  ['the last of a path wins', 'f a 1, f a 2, d a, f a 3', 'f a 3'],
  ['the first path of a link group is the file', 'f z 1, h a z, h m a', 'f a 1, h m a, h z a'],
  ['a link keeps what its name lost', 'f a 1, h b a, f a 2', 'f a 2, f b 1'],
  ['a link to itself changes nothing', 'f a 1, h a a', 'f a 1'],
  ['a link to a link of the lost name', 'f a 1, h b a, f a 2, h c b', 'f a 2, f b 1, h c b'],
  ['a link to a symbolic link is one', 'l a t, h b a', 'l a t, l b t'],
  ['a file replaces a directory and all in it', 'd a, f a/b 1, f a 2', 'f a 2'],
  ['a file in a file makes a directory that hides', 'f a 1, f a/b 2', 'D a, f a/b 2'],
  ['a symlink is replaced, never followed', 'l a /etc, f a/passwd 1', 'D a, f a/passwd 1'],
  ['and so far up', 'l a /, f a/b/c/d 1', 'D a, f a/b/c/d 1'],
  ['a directory after the file in its place', 'f a 1, d a, f a/b 2', 'd a, f a/b 2'],
  ['what was below before the file is gone', 'f a/b 1, f a 2, d a, f a/c 3', 'd a, f a/c 3'],
  ['a whiteout', 'w a, f b 1', 'w a, f b 1'],
  ['a whiteout leaves files of its own layer', 'f a 1, w a', 'f a 1'],
  ['in either order', 'w a, f a 1', 'f a 1'],
  ['a whiteout makes its directory opaque', 'w a, d a, f a/b 1', 'D a, f a/b 1'],
  ['also when that is not listed', 'f a/b 1, w a', 'D a, f a/b 1'],
  ['an opaque mark before or after its directory', 'o a, d a, d b, o b', 'D a, D b'],
  ['an opaque mark alone', 'o a', 'D a'],
  ['an opaque root', 'o , f a 1', 'D , f a 1'],
  ['a whiteout below a file means nothing', 'f a 1, w a/b, o a/c', 'f a 1'],
]

for (const [what, members, table] of TABLE) {
  test(what, () => {
    const builder = new TocBuilder()
    for (const member of members.split(', ')) add(builder, member)
    const toc = builder.finish()
    assert.equal(toc.entries.map(show).join(', '), table)
    assert.deepEqual(decodeToc(encodeToc(toc)), toc)
  })
}

for (const members of ['h a b', 'd b, h a b', 'f b/c 1, l b /etc, h a b/c', 'w b, h a b']) {
  test(`refuses a link to what is not there: ${members}`, () => {
    const builder = new TocBuilder()
    assert.throws(
      () => {
        for (const member of members.split(', ')) add(builder, member)
      },
      { code: 'LAYER_INVALID' },
    )
  })
}
