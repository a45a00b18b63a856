import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fixtureTree } from '../support/fixture.ts'
import { shale, tmp } from '../support/shale.ts'

const ODD = `FROM debian:trixie
RUN apt-get update && \\
    apt-get install -y --no-install-recommends curl && rm -rf /var/lib/apt/lists/*
RNU x
CMD run
`

const LINES = `Dockerfile:3 DL3008 warning: apt-get installs curl in whatever version there is: write name=version
Dockerfile:4 DL1000 error: unknown instruction: RNU: did you mean RUN?
Dockerfile:5 DL3025 warning: CMD runs in a shell, which keeps signals to itself: write ["program", "argument"]
`

async function project(t: Parameters<typeof shale>[0], files: Readonly<Record<string, string>> = {}) {
  const folder = await fixtureTree(await tmp(t), { Dockerfile: ODD, ...files })
  // No settings of the user's own.
  const call = await shale(t, { cwd: folder, env: { HOME: folder, XDG_CONFIG_HOME: '' } })
  return (args: readonly string[], options: Parameters<typeof call>[1] = {}) =>
    call(['lint', '--shellcheck=false', ...args], options)
}

test('lint tells every finding in hadolint’s form and exits with 1; a mistake hides nothing', async t => {
  const lint = await project(t)
  for (const args of [[], ['.'], ['Dockerfile']]) {
    const { code, stdout, stderr } = await lint(args)
    assert.deepEqual([code, stdout, stderr], [1, LINES, ''])
  }
  const piped = await lint(['-'], { input: ODD })
  assert.deepEqual([piped.code, piped.stdout], [1, LINES.replaceAll('Dockerfile:', '-:')])
})

test('lint exits with 0 when all is well and 2 when a file or a setting cannot be read', async t => {
  const lint = await project(t, {
    'good/Dockerfile': 'FROM scratch\nCMD ["/run"]\n',
    'bad.yaml': 'ignored: [DL3008]\nignore: 1\n',
  })
  assert.deepEqual(await lint(['good']).then(({ code, stdout }) => [code, stdout]), [0, ''])
  const cases = [
    [['none'], /^ERROR: cannot read none: there is no such file\n/],
    [['-c', 'bad.yaml'], /^ERROR: bad\.yaml:2: unknown field "ignore", did you mean ignored\?\n/],
    [['-c', 'none.yaml'], /^ERROR: cannot read none\.yaml/],
    [['-t', 'bad'], /^ERROR: --failure-threshold: "bad" is no severity\nhint: one of error, warning/],
    [['-f', 'bad'], /^ERROR: there is no output format "bad"\n/],
    [['--require-label', 'a:b'], /^ERROR: --require-label: "a:b" is no label with its kind\n/],
  ] as const
  for (const [args, message] of cases) {
    const { code, stderr } = await lint(args)
    assert.equal(code, 2, args.join(' '))
    assert.match(stderr, message)
  }
})

/** Settings by file, environment and flags, what is left of the findings, and the exit code. */
const SETTINGS: readonly {
  readonly what: string
  readonly yaml?: string
  readonly env?: Readonly<Record<string, string>>
  readonly flags?: readonly string[]
  readonly found: string
  readonly code: number
}[] = [
  { what: 'ignored', yaml: 'ignored: [DL3008, dl1000]', found: 'DL3025', code: 1 },
  {
    what: 'flags over the file',
    yaml: 'ignored: [DL3008]',
    flags: ['--ignore=DL1000'],
    found: 'DL3008 DL3025',
    code: 1,
  },
  {
    what: 'variables over the file',
    yaml: 'ignored: [DL3008]',
    env: { HADOLINT_IGNORE: 'DL1000' },
    found: 'DL3008 DL3025',
    code: 1,
  },
  {
    what: 'override',
    yaml: 'failure-threshold: error\noverride: {error: [DL3025], style: [DL1000]}',
    found: 'DL3008 DL1000 DL3025',
    code: 1,
  },
  { what: 'labels', flags: ['--require-label', 'maintainer:email'], found: 'DL3049 DL3008 DL1000 DL3025', code: 1 },
]

test('settings come from the file, the environment and flags', async t => {
  for (const { what, yaml = '', env = {}, flags = [], found, code } of SETTINGS) {
    await t.test(what, async t => {
      const lint = await project(t, { '.hadolint.yaml': yaml })
      const result = await lint(flags, { env })
      const names = [...result.stdout.matchAll(/:\d+ (\w+) /g)].map(([, name]) => name)
      assert.deepEqual([names.join(' '), result.code, result.stderr], [found, code, ''])
    })
  }
})

test('reports have every finding, in the form of their reader', async t => {
  const lint = await project(t)
  const output = async (format: string) => (await lint(['-f', format])).stdout
  const parsed = async (format: string) => JSON.parse(await output(format))
  const codes = ['DL3008', 'DL1000', 'DL3025']

  const json = await parsed('json')
  assert.deepEqual(json[0], {
    line: 3,
    code: 'DL3008',
    message: 'apt-get installs curl in whatever version there is: write name=version',
    column: 5,
    file: 'Dockerfile',
    level: 'warning',
    endLine: 3,
    endColumn: 52,
  })
  const [run] = (await parsed('sarif')).runs
  assert.deepEqual(
    run.results.map((one: { ruleId: string; ruleIndex: number }) => [
      one.ruleId,
      run.tool.driver.rules[one.ruleIndex].id,
    ]),
    codes.map(code => [code, code]),
  )
  assert.deepEqual(run.results[1].locations[0].physicalLocation, {
    artifactLocation: { uri: 'Dockerfile' },
    region: { startLine: 4, startColumn: 1, endLine: 4, endColumn: 4, sourceLanguage: 'dockerfile' },
  })
  for (const format of ['gitlab', 'codeclimate', 'gitlab_codeclimate']) {
    const issues = await parsed(format)
    assert.deepEqual(
      issues.map((one: { check_name: string }) => one.check_name),
      codes,
    )
    assert.equal(new Set(issues.map((one: { fingerprint: string }) => one.fingerprint)).size, 3)
  }
  assert.deepEqual(
    (await parsed('sonarqube')).issues.map((one: { ruleId: string }) => one.ruleId),
    codes,
  )
  const codacy = (await output('codacy'))
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line).patternId)
  assert.deepEqual(codacy, codes)
  const sources = [...(await output('checkstyle')).matchAll(/<error line="(\d)".* source="(\w+)"\/>/g)]
  assert.deepEqual(
    sources.map(([, line, code]) => `${line} ${code}`),
    ['3 DL3008', '4 DL1000', '5 DL3025'],
  )
  const junit = await output('junit')
  assert.match(junit, /<testsuite name="Dockerfile" tests="3" failures="3" errors="0">/)
  assert.match(junit, /message="CMD runs .* write \[&quot;program&quot;/)
  assert.match(
    await output('github'),
    /^::warning file=Dockerfile,line=3,endLine=3,col=5,title=DL3008::apt-get installs/,
  )
  assert.match(await output('gnu'), /^Dockerfile:3:5: warning: .* \[DL3008\]\n/)
})

test('explain tells of hadolint’s rules and lists them', async t => {
  const call = await shale(t)
  const { stdout } = await call(['explain', 'dl3025'])
  assert.match(stdout, /^# DL3025\n\nWrite CMD .*\n\nSeverity: warning\..*\n\nBuildKit has it as JSONArgsRecommended/)
  assert.match((await call(['explain'])).stdout, /\nDL4006 +Set pipefail/)
})
