import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ShaleError } from '../../error.ts'
import { DEFAULTS } from './config.ts'
import { readConfigFile } from './config-file.ts'
import { plainInput } from './input.ts'
import { lintDockerfile } from './lint.ts'
import { environmentSettings, mergeSettings } from './settings.ts'

async function fromYaml(text: string) {
  const folder = mkdtempSync(join(tmpdir(), 'shale-lint-'))
  try {
    writeFileSync(join(folder, 'lint.yaml'), text)
    return mergeSettings(await readConfigFile(join(folder, 'lint.yaml')))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('every field of the file', async () => {
  const config = await fromYaml(`failure-threshold: style
format: json
ignored: [dl3008, SC2086]
label-schema: {author: text, version: semver}
no-color: true
no-fail: true
override: {error: [DL3002], info: [jsonargsrecommended], ignore: [DL4006]}
strict-labels: true
disable-ignore-pragma: true
trustedRegistries: quay.io
`)
  assert.deepEqual(config, {
    failureThreshold: 'style',
    format: 'json',
    ignored: new Set(['DL3008', 'SC2086']),
    labelSchema: new Map([
      ['author', 'text'],
      ['version', 'semver'],
    ]),
    noColor: true,
    noFail: true,
    override: new Map([
      ['DL3002', 'error'],
      ['JSONARGSRECOMMENDED', 'info'],
      ['DL4006', 'ignore'],
    ]),
    strictLabels: true,
    disableIgnorePragma: true,
    trustedRegistries: ['quay.io'],
  })
  assert.deepEqual(await fromYaml(''), DEFAULTS)
  assert.deepEqual(await fromYaml('ignored:\noverride:\n  error:\n'), DEFAULTS)
})

test('a mistake in the file is told with its line', async () => {
  const cases = [
    ['ignored: DL3008\n', /lint\.yaml:1: /],
    ['format: tty\nfailure-threshold: bad\n', /lint\.yaml:2: /],
    ['label-schema:\n  a: text\n  b: no\n', /lint\.yaml:3: /],
    ['trusted-registries: []\n', /lint\.yaml:1: unknown field "trusted-registries", did you mean trustedRegistries\?/],
    ['a: [\n', /lint\.yaml:/],
  ] as const
  for (const [text, message] of cases) {
    await assert.rejects(fromYaml(text), error => {
      assert.ok(error instanceof ShaleError && error.code === 'LINT_CONFIG', text)
      assert.match(error.message, message)
      return true
    })
  }
})

test('the variables of the environment', () => {
  const settings = environmentSettings({
    NO_COLOR: '1',
    HADOLINT_NOFAIL: 'yes',
    HADOLINT_FORMAT: 'sarif',
    HADOLINT_FAILURE_THRESHOLD: 'error',
    HADOLINT_OVERRIDE_ERROR: 'DL3010, dl3020',
    HADOLINT_OVERRIDE_STYLE: 'DL3001',
    HADOLINT_IGNORE: 'DL3002,DL3003',
    HADOLINT_STRICT_LABELS: '0',
    HADOLINT_TRUSTED_REGISTRIES: 'docker.io,quay.io',
    HADOLINT_REQUIRE_LABELS: 'maintainer:email',
  })
  const config = mergeSettings(
    { ignored: new Set(['X']), strictLabels: true, override: new Map([['DL3001', 'info']]) },
    settings,
  )
  assert.deepEqual(config, {
    ...DEFAULTS,
    noColor: true,
    noFail: true,
    format: 'sarif',
    failureThreshold: 'error',
    override: new Map([
      ['DL3001', 'style'],
      ['DL3010', 'error'],
      ['DL3020', 'error'],
    ]),
    ignored: new Set(['DL3002', 'DL3003']),
    strictLabels: false,
    trustedRegistries: ['docker.io', 'quay.io'],
    labelSchema: new Map([['maintainer', 'email']]),
  })
})

const COMMENTS: readonly (readonly [comment: string, silences: boolean, disabled?: true])[] = [
  ['# hadolint ignore=DL3008', true],
  ['# hadolint ignore = DL3003, DL3008 # because', true],
  ['# shale ignore=dl3008', true],
  ['# hadolint global ignore=DL3008', true],
  ['# hadolint stage ignore=DL3008\nFROM debian:trixie', true],
  ['# hadolint ignore=DL3008\nFROM debian:trixie', false],
  ['# hadolint ignore=DL3003', false],
  ['# hadolint ignore=nonsense,DL3008', false],
  ['# hadolint ignore=DL3008', false, true],
]

test('comments silence rules for the instruction below them, and for more', () => {
  for (const [comment, silences, disabled] of COMMENTS) {
    const text = `FROM debian:trixie\n${comment}\nRUN apt-get install -y \\\n  --no-install-recommends x\n`
    const config = { ...DEFAULTS, disableIgnorePragma: disabled === true }
    const findings = lintDockerfile(text, { file: 'Dockerfile', config, around: plainInput })
    assert.deepEqual(
      findings.map(({ rule }) => rule.name),
      silences ? [] : ['DL3008'],
      comment,
    )
  }
})

test('a rule that is known by two names is told once, and silenced by either', () => {
  const text = 'FROM a:1\nMAINTAINER b\nENV c_password=d\nWORKDIR e\nCMD f\nCMD ["g"]\n'
  const found = (ignored: readonly string[]) => {
    const config = { ...DEFAULTS, ignored: new Set(ignored) }
    return lintDockerfile(text, { file: 'Dockerfile', config, around: plainInput }).map(({ rule }) => rule.name)
  }
  assert.deepEqual(found([]), ['DL4000', 'DL3064', 'DL3000', 'DL3025', 'DL4003'])
  const twins = ['MAINTAINERDEPRECATED', 'SECRETSUSEDINARGORENV', 'WORKDIRRELATIVEPATH', 'JSONARGSRECOMMENDED']
  assert.deepEqual(found(twins), ['DL4003'])
  assert.deepEqual(found(['DL4000', 'DL3064', 'DL3000', 'DL3025', 'DL4003']), [])
})
