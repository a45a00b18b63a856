import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { corpusJson, corpusPath, withCorpus } from '../dockerfile/corpus.test-helper.ts'
import { ShaleError } from '../error.ts'
import { type Findings, findingsOf } from './testing.ts'

interface Warning {
  readonly rule: string
  readonly line: number
  readonly detail: string
  readonly description: string
  readonly url?: string
}

interface Case {
  readonly rule: string
  readonly test: string
  readonly case: number
  readonly dockerfile: string
  readonly dockerignore?: string
  readonly buildArgs?: Readonly<Record<string, string>>
  readonly expectedWarnings: readonly Warning[]
  readonly expectedWarningsAllTargets?: readonly Warning[]
  readonly buildError?: string
  readonly buildErrorLine?: number
  readonly needsImage?: Readonly<Record<string, { readonly platform: string }>>
}

interface Example {
  readonly caption: string
  readonly dockerfile: string
}

interface Page {
  readonly rule: string
  readonly bad: readonly Example[]
  readonly good: readonly Example[]
  readonly dockerignore?: string
}

/** Cases that are not asserted, each with the reason. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  'testLegacyKeyValueFormat 3, with --check': 'the case says lines 3 and 4, and its file has ENV and LABEL on 5 and 6',
  'CopyIgnoredFile bad 0':
    'the page’s pattern */tmp/* does not match ./tmp/helloworld.txt, which has nothing before tmp',
}

function shown({ findings }: Findings): readonly Warning[] {
  return findings.map(({ rule, range, detail }) => {
    const { name, description, url } = rule
    return { rule: name, line: range.start.line, detail, description, ...(url !== undefined && { url }) }
  })
}

/** The corpus numbers BuildKit's levels and sorts as it likes. */
function wanted(warnings: readonly (Warning & { readonly level?: number })[]): readonly Warning[] {
  return warnings.map(({ rule, line, detail, description, url }) => {
    return { rule, line, detail, description, ...(url && { url }) }
  })
}

function run(one: Case, all: boolean): Findings {
  const { dockerfile, dockerignore, buildArgs, needsImage } = one
  return findingsOf(dockerfile, { dockerignore, buildArgs, all, images: needsImage })
}

test('every case of BuildKit’s checks', withCorpus, t => {
  const cases = corpusJson<readonly Case[]>('lint/buildkit-checks.json')
  for (const one of cases) {
    const label = `${one.test} ${one.case}`
    const ofBuild = run(one, false)
    assert.deepEqual(shown(ofBuild), wanted(one.expectedWarnings), `${label}, at a build`)
    const expected = one.expectedWarningsAllTargets ?? one.expectedWarnings
    const all = `${label}, with --check`
    if (!(all in LEFT_OUT)) assert.deepEqual(shown(run(one, true)), wanted(expected), all)
    if (one.buildError?.startsWith('lint violation')) {
      assert.ok(ofBuild.violation instanceof ShaleError, label)
      assert.equal(ofBuild.violation.message, one.buildError, label)
      assert.equal(ofBuild.violation.source?.range.start.line, one.buildErrorLine, label)
    } else assert.equal(ofBuild.violation, undefined, label)
    if (one.buildError?.startsWith('dockerfile parse error')) {
      assert.equal(ofBuild.error?.source?.range.start.line, one.buildErrorLine, label)
    }
  }
  assert.ok(cases.length >= 60)
  t.diagnostic(`${cases.length} cases, each at a build and with --check; left out: ${leftOut('test')}`)
})

test('every example of the rules’ pages', withCorpus, t => {
  let [count, left] = [0, 0]
  for (const file of readdirSync(corpusPath('lint/buildkit-rules'))) {
    const page = corpusJson<Page>(`lint/buildkit-rules/${file}`)
    for (const kind of ['bad', 'good'] as const) {
      for (const [index, example] of page[kind].entries()) {
        count++
        const label = `${page.rule} ${kind} ${index}`
        if (label in LEFT_OUT) {
          left++
          continue
        }
        // Two of them have an ellipsis where more would stand.
        const text = `# check=experimental=all\n${example.dockerfile.replace(/^\.\.\.$/gm, '')}`
        const { findings } = findingsOf(text, { all: true, dockerignore: page.dockerignore })
        const names = findings.map(({ rule }) => rule.name)
        assert.equal(names.includes(page.rule), kind === 'bad', `${label}: ${names}`)
      }
    }
  }
  assert.ok(count >= 39)
  assert.ok(left / count < 0.03, `${left} of ${count} left out`)
  t.diagnostic(`${count} examples, ${left} left out: ${leftOut('Copy')}`)
})

function leftOut(prefix: string): string {
  const found = Object.entries(LEFT_OUT).filter(([label]) => label.startsWith(prefix))
  return found.map(([label, reason]) => `${label} (${reason})`).join('; ')
}
