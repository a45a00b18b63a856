import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ShaleError } from '../error.ts'
import { corpusJson, corpusText, withCorpus } from './corpus.test-helper.ts'
import { IgnoreMatcher, ignorePatterns, parseIgnoreFile } from './ignore.ts'
import { compilePattern } from './ignore-pattern.ts'

interface Row {
  readonly patterns: readonly string[]
  readonly path: string
  readonly ignored?: boolean
  readonly error?: boolean
}

test('dockerignore.json: paths by themselves', withCorpus, t => {
  const rows = corpusJson<readonly Row[]>('dockerignore.json')
  for (const { patterns, path, ignored, error } of rows) {
    const match = () => new IgnoreMatcher(ignorePatterns(patterns)).match(path).ignored
    if (error) assert.throws(match, ShaleError)
    else assert.equal(match(), ignored, `${patterns.join(' ')}: ${path}`)
  }
  t.diagnostic(`${rows.length} cases`)
  assert.ok(rows.length >= 102)
})

interface ExtraRows {
  readonly parseFile: readonly { readonly text: string; readonly patterns: readonly string[] }[]
  readonly cleanPatterns: readonly {
    readonly patterns: readonly string[]
    readonly count?: number
    readonly exclusions?: boolean
    readonly error?: boolean
  }[]
  readonly compiled: readonly { readonly pattern: string; readonly matchType: string; readonly regexp: string }[]
}

test('dockerignore-extra.json: files, cleaning and compiled forms', withCorpus, t => {
  const { parseFile, cleanPatterns, compiled } = corpusJson<ExtraRows>('dockerignore-extra.json')
  for (const { text, patterns } of parseFile) {
    const found = parseIgnoreFile(text).map(({ negated, pattern }) => (negated ? `!${pattern}` : pattern))
    assert.deepEqual(found, patterns)
  }
  for (const { patterns, count, exclusions, error } of cleanPatterns) {
    const cleaned = ignorePatterns(patterns)
    if (error) assert.throws(() => new IgnoreMatcher(cleaned), { code: 'BAD_PATTERN' })
    if (count !== undefined) assert.equal(cleaned.length, count)
    if (exclusions !== undefined)
      assert.equal(
        cleaned.some(({ negated }) => negated),
        exclusions,
      )
  }
  for (const { pattern, matchType, regexp } of compiled) {
    const { form } = compilePattern(pattern)
    assert.equal(form.kind, matchType, pattern)
    assert.equal(form.kind === 'regexp' ? form.regexp.source.replaceAll('\\/', '/') : '', regexp, pattern)
  }
  const count = parseFile.length + cleanPatterns.length + compiled.length
  t.diagnostic(`${count} cases`)
  assert.ok(count >= 28)
})

test('every real .dockerignore compiles', withCorpus, t => {
  const files = corpusJson<readonly { readonly file: string; readonly kind: string }[]>('real/index.json')
  const ignores = files.filter(({ kind }) => kind === 'dockerignore')
  for (const { file } of ignores) new IgnoreMatcher(parseIgnoreFile(corpusText(`real/${file}`)))
  t.diagnostic(`${ignores.length} files`)
  assert.ok(ignores.length >= 24)
})
