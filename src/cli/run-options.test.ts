import assert from 'node:assert/strict'
import { test } from 'node:test'
import { environment, parseEnvFile } from './run-options.ts'

test('a name without value takes the caller’s, or nothing', () => {
  assert.deepEqual(environment([], ['A=1', 'B', 'C', 'D='], { B: 'b' }), ['A=1', 'B=b', 'D='])
})

test('an environment file has a variable a line, values as they are', () => {
  const content = '\ufeff# comment\n\nA=1\r\n  B="quoted" # not a comment\nC\nD==x\n'
  assert.deepEqual(parseEnvFile(content, 'f'), ['A=1', 'B="quoted" # not a comment', 'C', 'D==x'])
  assert.throws(() => parseEnvFile('A=1\nB C=2\n', 'f'), { code: 'INVALID_ENV_FILE', message: /^f:2: / })
  assert.throws(() => parseEnvFile('=2\n', 'f'), { code: 'INVALID_ENV_FILE' })
})
