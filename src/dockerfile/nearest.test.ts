import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nearest } from './nearest.ts'

const COMMANDS = ['build', 'images', 'image', 'inspect', 'run', 'rmi', 'tag', 'FROM', 'RUN']

const CASES: readonly (readonly [string, string | undefined])[] = [
  ['biuld', 'build'],
  ['imags', 'images'],
  ['imge', 'image'],
  ['from', 'FROM'],
  ['inspct', 'inspect'],
  ['rnu', 'run'],
  ['FRMO', 'FROM'],
  ['build', undefined],
  ['nope', undefined],
  ['taxi', undefined],
  ['completely-else', undefined],
  ['', undefined],
  ['x', undefined],
]

test('a word that lacks only its end', () => {
  assert.equal(nearest('tmp', ['bind', 'cache', 'tmpfs', 'ssh']), 'tmpfs')
  assert.equal(nearest('tm', ['bind', 'tmpfs']), undefined)
})

test('of short names too', () => {
  assert.equal(nearest('aa', ['zz', 'a']), 'a')
  assert.equal(nearest('b', ['a', 'cc']), undefined)
})

for (const [word, expected] of CASES) {
  test(`nearest to ${word || 'nothing'}`, () => assert.equal(nearest(word, COMMANDS), expected))
}
