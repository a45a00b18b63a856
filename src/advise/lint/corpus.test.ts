import assert from 'node:assert/strict'
import { test } from 'node:test'
import { corpusJson, withCorpus } from '../../dockerfile/corpus.test-helper.ts'
import { DL_RULES } from '../dl/rules.ts'
import type { Severity } from '../rule.ts'
import { DEFAULTS, type LabelKind, type LintConfig } from './config.ts'
import { plainInput } from './input.ts'
import { lintDockerfile } from './lint.ts'

interface Case {
  readonly rule: string
  readonly dockerfile: string
  readonly onbuildDockerfile?: string
  readonly expect: 'catches' | 'catchesNot'
  readonly count?: number
  readonly minCount?: number
  readonly config?: {
    readonly trustedRegistries?: readonly string[]
    readonly 'label-schema'?: Readonly<Record<string, LabelKind>>
    readonly 'strict-labels'?: boolean
    readonly ignored?: readonly string[]
  }
  readonly source: string
}

/** Rules that are told of only on request are told of here. */
const ASKED: ReadonlyMap<string, Severity> = new Map([
  ['DL1001', 'info'],
  ['DL3057', 'info'],
])

function configOf({ config = {}, rule }: Case): LintConfig {
  return {
    ...DEFAULTS,
    trustedRegistries: config.trustedRegistries ?? [],
    labelSchema: new Map(Object.entries(config['label-schema'] ?? {})),
    strictLabels: config['strict-labels'] ?? false,
    ignored: new Set(config.ignored ?? []),
    override: rule === '*' ? new Map() : ASKED,
  }
}

function namesFor(one: Case): readonly string[] {
  const findings = lintDockerfile(one.onbuildDockerfile ?? one.dockerfile, {
    file: 'Dockerfile',
    config: configOf(one),
    around: plainInput,
  })
  const names = findings.map(({ rule }) => rule.name)
  return one.rule === '*' ? names : names.filter(name => name === one.rule)
}

test('every case of hadolint’s rules', withCorpus, t => {
  const cases = corpusJson<readonly Case[]>('lint/hadolint.json')
  const wrong = cases.filter(one => {
    const found = namesFor(one).length
    return one.count === undefined ? found < (one.minCount ?? 1) : found !== one.count
  })
  const told = wrong.map(one => {
    const wanted = one.expect === 'catches' ? (one.count ?? 'at least 1') : 0
    return `${one.rule} ${one.source}: ${JSON.stringify(one.onbuildDockerfile ?? one.dockerfile)} has ${namesFor(one)}, wanted ${wanted}`
  })
  assert.deepEqual(told, [])
  assert.ok(cases.length >= 724, `${cases.length} cases are there`)
  t.diagnostic(`${cases.length} cases`)
})

test('every rule is there with hadolint’s severity', withCorpus, () => {
  const severities = corpusJson<Readonly<Record<string, Severity>>>('lint/hadolint-severity.json')
  assert.deepEqual(Object.fromEntries(DL_RULES.map(({ name, severity }) => [name, severity])), severities)
  assert.equal(DL_RULES.length, 71)
})
