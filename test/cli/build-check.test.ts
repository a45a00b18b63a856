import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fixtureTree } from '../support/fixture.ts'
import { shale, tmp } from '../support/shale.ts'

const ODD = 'FROM scratch AS base\nCOPY a /\nCMD run me\n'

const REPORT = `Check complete, 1 warning has been found!

WARNING: JSONArgsRecommended - https://docs.docker.com/go/dockerfile/rule/json-args-recommended/
JSON arguments recommended for CMD to prevent unintended behavior related to OS signals
Dockerfile:3
--------------------
   1 |     FROM scratch AS base
   2 |     COPY a /
   3 | >>> CMD run me
--------------------
`

test('build --check prints what buildx prints, builds nothing, and exits with 1', async t => {
  const call = await shale(t)
  const folder = await fixtureTree(await tmp(t), { Dockerfile: ODD, a: '' })
  for (const flags of [['--check'], ['--call', 'check'], ['--call=lint']]) {
    const { code, stdout, stderr } = await call(['build', ...flags, '-t', 'app', folder])
    assert.deepEqual([code, stdout, stderr], [1, REPORT, ''])
  }
  assert.equal((await call(['images', '-q'])).stdout, '')
  const good = await call(['build', '--check', '-f', '-', folder], { input: 'FROM scratch\nCMD ["a"]\n' })
  assert.deepEqual([good.code, good.stdout], [0, 'Check complete, no warnings found.\n'])
  const other = await call(['build', '--call=outline', folder])
  assert.deepEqual([other.code, other.stdout], [1, ''])
  assert.match(other.stderr, /^ERROR: --call=outline: there is no such method\nhint: it takes build, check/)
})

test('build --check --call=check,format=json has the findings as BuildKit has them', async t => {
  const call = await shale(t)
  const folder = await fixtureTree(await tmp(t), { Dockerfile: ODD, a: '' })
  const { code, stdout } = await call(['build', '--call=check,format=json', folder])
  assert.equal(code, 1)
  const { warnings, sources } = JSON.parse(stdout)
  assert.equal(warnings.length, 1)
  assert.equal(warnings[0].ruleName, 'JSONArgsRecommended')
  assert.deepEqual(warnings[0].location.ranges, [{ start: { line: 3, character: 0 }, end: { line: 3, character: 0 } }])
  assert.equal(Buffer.from(sources[0].data, 'base64').toString(), ODD)
})

test('build --check tells of what is odd before a mistake, and of the mistake', async t => {
  const call = await shale(t)
  const folder = await fixtureTree(await tmp(t), { Dockerfile: 'FROM scratch AS Base\nRNU x\n' })
  for (const flags of [['--check'], []]) {
    const { code, stdout, stderr } = await call(['build', ...flags, folder])
    assert.equal(code, 1)
    assert.match(stdout + stderr, /StageNameCasing/)
    assert.match(stderr, /ERROR: unknown instruction: RNU\nDockerfile:2:1\n/)
  }
})

test('a build warns once, at its end, and groups the same warning of several lines', async t => {
  const call = await shale(t)
  const Dockerfile = 'FROM scratch\nENV a b\nENV c d\nCOPY a /\nCMD run me\n'
  const folder = await fixtureTree(await tmp(t), { Dockerfile, a: '' })
  const { code, stderr } = await call(['build', folder])
  assert.equal(code, 0)
  const [, end] = /\n(3 warnings found [\s\S]*)$/.exec(stderr) ?? []
  assert.equal(
    end,
    `3 warnings found (\`shale explain RULE\` tells more):
 - LegacyKeyValueFormat: "ENV key=value" should be used instead of legacy "ENV key value" format (lines 2, 3)
 - JSONArgsRecommended: JSON arguments recommended for CMD to prevent unintended behavior related to OS signals (line 5)
`,
  )
  const quiet = await call(['build', '-q', folder])
  assert.equal(quiet.stderr, '')
})

test('# check=error=true fails a build before anything runs; a build argument takes its place', async t => {
  const call = await shale(t)
  const folder = await fixtureTree(await tmp(t), { Dockerfile: `# check=error=true\n${ODD}`, a: '' })
  const failed = await call(['build', folder])
  assert.equal(failed.code, 1)
  assert.match(failed.stderr, /ERROR: lint violation found for rules: JSONArgsRecommended\nDockerfile:4:1\n/)
  assert.doesNotMatch(failed.stderr, /^#\d/m)
  const skipped = await call(['build', '--build-arg', 'BUILDKIT_DOCKERFILE_CHECK=skip=all', folder])
  assert.equal(skipped.code, 0, skipped.stderr)
  assert.doesNotMatch(skipped.stderr, /JSONArgs/)
  const bad = await call(['build', '--build-arg', 'BUILDKIT_DOCKERFILE_CHECK=skip:all', folder])
  assert.match(bad.stderr, /ERROR: invalid check option "skip:all"\nhint: it takes skip=/)
})

test('on GitHub’s runners errors and warnings are annotations of the repository’s files', async t => {
  const call = await shale(t)
  const folder = await fixtureTree(await tmp(t), { 'app/Dockerfile': `${ODD}COPY b, /\n`, 'app/a': '' })
  const env = { GITHUB_ACTIONS: 'true', GITHUB_WORKSPACE: folder }
  const { code, stderr } = await call(['build', join(folder, 'app')], { env })
  assert.equal(code, 1)
  const lines = stderr.split('\n').filter(line => line.startsWith('::'))
  assert.equal(lines.length, 2, stderr)
  assert.match(
    lines[0] ?? '',
    /^::warning file=app\/Dockerfile,line=3,endLine=3,col=1,title=JSONArgsRecommended::JSON arg/,
  )
  assert.match(lines[1] ?? '', /^::error file=app\/Dockerfile,line=4,.*title=COPY_SOURCE_NOT_FOUND::"\/b,": not found/)
  assert.match(lines[1] ?? '', /%0Ahint: /)
  const off = await call(['build', '--annotations', 'none', join(folder, 'app')], { env })
  assert.doesNotMatch(off.stderr, /^::/m)
  const checked = await call(['build', '--check', '--annotations', 'github', join(folder, 'app')], { cwd: folder })
  assert.match(checked.stderr, /^::warning file=app\/Dockerfile,line=3,/m)
})

test('explain prints the page of a rule in any case, and lists the rules', async t => {
  const call = await shale(t)
  const page = await readFile(new URL('../../docs/rules/StageNameCasing.md', import.meta.url), 'utf8')
  assert.equal((await call(['explain', 'stagenamecasing'])).stdout, page)
  assert.match((await call(['explain'])).stdout, /^RULE +ASKS FOR\nStageNameCasing +Stage names/)
  const near = await call(['explain', 'StageNameCase'])
  assert.deepEqual([near.code, near.stdout], [1, ''])
  assert.match(near.stderr, /hint: did you mean StageNameCasing\?/)
})
