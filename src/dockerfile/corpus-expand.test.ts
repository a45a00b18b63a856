import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ShaleError } from '../error.ts'
import { corpusJson, corpusText, withCorpus } from './corpus.test-helper.ts'
import { expandWord, expandWords } from './expand.ts'

const ENVIRONMENT: Readonly<Record<string, string>> = { PWD: '/home', SHELL: 'bash', KOREAN: '한국어', NULL: '' }

test('envVarTest: one word', withCorpus, t => {
  const rows = corpusText('parser/envVarTest')
    .split('\n')
    .filter(line => line.trim() !== '' && !line.startsWith('#'))
    .map(line => line.split('|').map(field => field.trim()))
  // Rows for Windows alone: variable names there have no case; Shale makes Linux images.
  const windows = rows.filter(([platform]) => platform === 'W')
  for (const [platform, input = '', expected] of rows) {
    if (platform === 'W') continue
    const expand = (): string => expandWord(input, name => ENVIRONMENT[name]).value
    if (expected === 'error') assert.throws(expand, ShaleError, input)
    else assert.equal(expand(), expected, input)
  }
  t.diagnostic(`${rows.length - windows.length} cases, ${windows.length} for Windows left out`)
  assert.ok(rows.length >= 228 && windows.length / rows.length < 0.03)
})

test('wordsTest: several words', withCorpus, t => {
  const environment = new Map<string, string>()
  let cases = 0
  for (const line of corpusText('parser/wordsTest').split('\n')) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const assignment = /^ENV +([^=]+)=(.*)$/.exec(line)
    if (assignment !== null) {
      environment.set(assignment[1]!, assignment[2]!)
      continue
    }
    cases++
    const bar = line.indexOf('|')
    const input = line.slice(0, bar).trim()
    const expected = line.slice(bar + 1).replace(/^ +/, '')
    const expand = (): readonly string[] => expandWords(input, name => environment.get(name))
    if (expected === 'error') assert.throws(expand, ShaleError, input)
    else assert.deepEqual(expand(), expected.split(','), input)
  }
  t.diagnostic(`${cases} cases`)
  assert.ok(cases >= 24)
})

interface Match {
  readonly input: string
  readonly envs: Readonly<Record<string, string>>
  readonly expected?: string
  readonly error?: boolean
  readonly errorContains?: string
  readonly matched?: readonly string[]
  readonly unmatched?: readonly string[]
}

test('shellMatches: operators and the names they looked up', withCorpus, t => {
  const rows = corpusJson<readonly Match[]>('parser/shellMatches.json')
  for (const { input, envs, expected, error, errorContains, matched, unmatched } of rows) {
    const expand = () => expandWord(input, name => envs[name])
    if (error) {
      assert.throws(expand, (thrown: unknown) => {
        assert.ok(thrown instanceof ShaleError)
        assert.ok(thrown.message.includes(errorContains ?? ''))
        return true
      })
      continue
    }
    const found = expand()
    assert.equal(found.value, expected, input)
    if (matched !== undefined) assert.deepEqual([...found.matched].sort(), matched, input)
    if (unmatched !== undefined) assert.deepEqual([...found.unmatched].sort(), unmatched, input)
  }
  t.diagnostic(`${rows.length} cases`)
  assert.ok(rows.length >= 56)
})
