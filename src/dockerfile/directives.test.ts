import assert from 'node:assert/strict'
import { test } from 'node:test'
import { detectDirective, detectSyntax } from './directives.ts'
import { parseDockerfile } from './parse.ts'

const SYNTAX: readonly (readonly [text: string, ref: string | undefined, line?: number])[] = [
  ['# syntax=docker/dockerfile:1\nFROM a', 'docker/dockerfile:1', 1],
  ['#SYNTAX = x y\nFROM a', 'x', 1],
  ['# check=skip=all\n# syntax=x\nFROM a', 'x', 2],
  ['#!/usr/bin/env docker\n# syntax=x\nFROM a', 'x', 2],
  ['// syntax=x\n', 'x', 1],
  ['{"syntax": "x"}', 'x', 1],
  ['# a comment\n# syntax=x\nFROM a', undefined],
  ['\n# syntax=x\nFROM a', undefined],
  ['# other=1\n# syntax=x\nFROM a', undefined],
  ['', undefined],
]

for (const [text, ref, line] of SYNTAX) {
  test(`syntax of ${JSON.stringify(text)}`, () => {
    const found = detectSyntax(text)
    assert.deepEqual([found?.ref, found?.line], [ref, line])
  })
}

test('only syntax is looked for in other formats', () => {
  assert.equal(detectDirective('check', '// check=skip=all'), undefined)
  assert.deepEqual(detectDirective('check', '# check=skip=A;error=true x'), {
    ref: 'skip=A;error=true',
    commandLine: 'skip=A;error=true x',
    line: 1,
  })
})

test('a directive knows where its value is', () => {
  const [directive] = parseDockerfile('#  escape = `  \nFROM a').directives
  assert.deepEqual(directive, {
    name: 'escape',
    value: '`',
    range: { start: { line: 1, column: 13 }, end: { line: 1, column: 14 } },
  })
})

test('after any other comment a directive is a comment', () => {
  assert.equal(parseDockerfile('# hello\n# escape=`\nFROM a').escape, '\\')
})
