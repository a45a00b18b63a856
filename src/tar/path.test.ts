import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cleanMemberPath } from './path.ts'

test('cleans what is harmless', () => {
  for (const [path, clean] of [
    ['a', 'a'],
    ['a/b', 'a/b'],
    ['./a', 'a'],
    ['/a', 'a'],
    ['//a//b//', 'a/b'],
    ['a/./b/.', 'a/b'],
    ['.', ''],
    ['./', ''],
    ['/', ''],
    ['', ''],
    ['...', '...'],
    ['..a/b..', '..a/b..'],
    ['.a', '.a'],
    ['a\\..\\b', 'a\\..\\b'],
    ['\xff\xfe', '\xff\xfe'],
    [`${'x'.repeat(255)}/y`, `${'x'.repeat(255)}/y`],
  ] as const) {
    assert.equal(cleanMemberPath(path), clean)
  }
})

test('refuses what leads out, whatever surrounds it', () => {
  for (const path of ['..', '../a', 'a/..', 'a/../b', '/..', './../a', `${'x'.repeat(250)}/../../a`, '..//']) {
    assert.throws(() => cleanMemberPath(path), { code: 'TAR_PATH_ESCAPES' }, path)
  }
})

test('refuses what no file system has', () => {
  for (const path of ['a\0b', 'x'.repeat(256), `a/${'x'.repeat(256)}/b`, 'a/'.repeat(2100), 'y'.repeat(70_000)]) {
    assert.throws(() => cleanMemberPath(path), { code: 'TAR_PATH_INVALID' })
  }
})
