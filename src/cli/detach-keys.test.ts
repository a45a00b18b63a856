import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_DETACH_KEYS, detachWatch, parseDetachKeys } from './detach-keys.ts'

const CASES: readonly (readonly [keys: string, typed: readonly string[], passed: string, detached: boolean])[] = [
  [DEFAULT_DETACH_KEYS, ['ls\n'], 'ls\n', false],
  [DEFAULT_DETACH_KEYS, ['ls\x10\x11more'], 'ls', true],
  [DEFAULT_DETACH_KEYS, ['\x10', '\x11'], '', true],
  [DEFAULT_DETACH_KEYS, ['\x10x'], '\x10x', false],
  [DEFAULT_DETACH_KEYS, ['\x10\x10', '\x11'], '\x10', true],
  [DEFAULT_DETACH_KEYS, ['\x11'], '\x11', false],
  ['x', ['abxc'], 'ab', true],
  ['', ['\x10\x11'], '\x10\x11', false],
]

test('keys that leave a container', () => {
  for (const [keys, typed, passed, detached] of CASES) {
    const watch = detachWatch(parseDetachKeys(keys))
    const seen = typed.map(text => watch(Buffer.from(text, 'latin1')))
    assert.equal(Buffer.concat(seen.map(({ pass }) => pass)).toString('latin1'), passed, `${keys} ${typed.join('|')}`)
    assert.equal(seen.at(-1)?.detached, detached, `${keys} ${typed.join('|')}`)
  }
  assert.deepEqual(parseDetachKeys('ctrl-a,ctrl-@,ctrl-_,z'), [1, 0, 31, 122])
  for (const wrong of ['ctrl-', 'ctrl-1', 'ab', 'ctrl-a,']) {
    assert.throws(() => parseDetachKeys(wrong), { code: 'INVALID_DETACH_KEYS' }, wrong)
  }
})
