import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { archiveTree, treeDifferences } from '../../bench/compare.ts'
import { mustRun } from '../../scripts/bases/process.ts'
import { fixtureTree, type Tree } from '../support/fixture.ts'
import { tmp } from '../support/shale.ts'

/** A docker-archive of these layers, each packed by GNU tar. */
async function archiveOf(folder: string, layers: readonly Tree[]): Promise<string> {
  const outer = join(folder, 'archive')
  const names = layers.map((_, index) => `${index}/layer.tar`)
  await fixtureTree(outer, {
    'manifest.json': JSON.stringify([{ Config: 'config.json', Layers: names }]),
    ...Object.fromEntries(names.map(name => [name.replace('layer.tar', ''), {}])),
  })
  for (const [index, layer] of layers.entries()) {
    const tree = await fixtureTree(join(folder, `tree-${index}`), layer)
    await mustRun('tar', ['--owner=0', '--group=0', '-C', tree, '-cf', join(outer, names[index] ?? ''), '.'])
  }
  await mustRun('tar', ['-C', outer, '-cf', join(folder, 'archive.tar'), ...names, 'manifest.json'])
  return join(folder, 'archive.tar')
}

test('the tree of an archive has its layers one over the other', async t => {
  const archive = await archiveOf(await tmp(t), [
    { 'd/old': '1', 'd/kept': '2', 'e/x': '3', 'f/y': '4', again: { hardlink: 'e/x' }, link: { symlink: 'd/old' } },
    { 'd/.wh.old': '', 'd/new': { content: '5', mode: 0o600 }, 'e/.wh..wh..opq': '', 'e/z': '6', f: 'now a file' },
  ])
  const tree = await archiveTree(archive)
  assert.deepEqual([...tree.keys()].sort(), ['again', 'd', 'd/kept', 'd/new', 'e', 'e/z', 'f', 'link'])
  assert.match(tree.get('d/new') ?? '', /^file 0600 0:0 ef2d127de37b/)
  assert.match(tree.get('again') ?? '', /^file 0644 0:0 4e07408562be/)
  assert.equal(tree.get('link'), 'symlink  0:0 d/old')
})

test('differences name the path and both sides, but not what engines leave behind', () => {
  const ours = new Map([
    ['a', 'file 0644 0:0 x'],
    ['b', 'file 0644 0:0 y'],
    ['run', 'directory 0755 0:0'],
  ])
  const theirs = new Map([
    ['a', 'file 0755 0:0 x'],
    ['c', 'symlink  0:0 a'],
  ])
  assert.deepEqual(treeDifferences(ours, theirs), [
    '/a: file 0755 0:0 x, ours file 0644 0:0 x',
    '/b: missing, ours file 0644 0:0 y',
    '/c: symlink  0:0 a, ours missing',
  ])
  assert.deepEqual(treeDifferences(ours, theirs, 1), ['/a: file 0755 0:0 x, ours file 0644 0:0 x', 'and 2 more'])
})
