import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseChallenges } from './challenge.ts'

const ROWS: readonly (readonly [header: string, expected: readonly (readonly [string, Record<string, string>])[]])[] = [
  ['Basic realm="here"', [['basic', { realm: 'here' }]]],
  ['Basic', [['basic', {}]]],
  [
    'Bearer realm="https://a.example/token",service="a.example",scope="repository:x/y:pull,push"',
    [['bearer', { realm: 'https://a.example/token', service: 'a.example', scope: 'repository:x/y:pull,push' }]],
  ],
  ['BEARER Realm = "a" , service=b', [['bearer', { realm: 'a', service: 'b' }]]],
  [
    'Basic realm="a", Bearer realm="b",service="c"',
    [
      ['basic', { realm: 'a' }],
      ['bearer', { realm: 'b', service: 'c' }],
    ],
  ],
  [
    'Negotiate, Basic realm="a"',
    [
      ['negotiate', {}],
      ['basic', { realm: 'a' }],
    ],
  ],
  ['Basic realm="a \\"quoted\\" word"', [['basic', { realm: 'a "quoted" word' }]]],
  ['', []],
  ['=,="",', []],
]

for (const [header, expected] of ROWS) {
  test(`challenge ${JSON.stringify(header)}`, () => {
    const found = parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)])
    assert.deepEqual(found, expected)
  })
}
