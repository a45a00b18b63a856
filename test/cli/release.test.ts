import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fixtureTree, type Tree } from '../support/fixture.ts'
import { commitAll, committed, git } from '../support/git.ts'
import { type Shale, type ShaleOptions, shale, tmp } from '../support/shale.ts'

const PACKAGE = '{"name": "@myorg/payment-service", "version": "1.0.0"}'
/** 30 January 2026, the article's day. */
const DAY = { SOURCE_DATE_EPOCH: '1769774400' }
/** No variable of the machine that runs the tests may name a build or branch. */
const NO_CI = Object.fromEntries(
  ['GITHUB_RUN_NUMBER', 'GITHUB_REF_TYPE', 'CI_PIPELINE_IID', 'CI_COMMIT_BRANCH', 'BUILD_NUMBER', 'BRANCH_NAME'].map(
    name => [name, ''],
  ),
)
const PROJECT = { Dockerfile: 'FROM scratch\nCOPY package.json /\n', 'package.json': PACKAGE }

interface Project {
  readonly call: Shale
  readonly folder: string
  readonly commit: string
  readonly sha: string
}

async function project(t: TestContext, tree: Tree = PROJECT): Promise<Project> {
  const call = await shale(t, { env: { ...NO_CI, ...DAY } })
  const folder = await fixtureTree(await tmp(t), tree)
  const commit = await committed(folder)
  return { call, folder, commit, sha: commit.slice(0, 7) }
}

async function tagsOf(call: Shale, folder: string, options: ShaleOptions = {}): Promise<readonly string[]> {
  const { code, stdout, stderr } = await call(['release', 'tags', '--format', '{{.Tag}}', folder], options)
  assert.equal(code, 0, stderr)
  return stdout.trim().split('\n')
}

async function refusal(call: Shale, words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await call(words)
  assert.deepEqual([code, stdout], [1, ''])
  return stderr
}

test('without a word of configuration: version, build, commit, and latest on the main branch', async t => {
  const { call, folder, sha } = await project(t)
  const { stdout, stderr } = await call(['release', 'tags', folder])
  assert.equal(stderr, '')
  const tags = ['1.0.0', '1.0.0-20260130.1', `1.0.0-${sha}`, `git-${sha}`, 'latest']
  assert.deepEqual(
    stdout.trim().split('\n'),
    tags.map(tag => `myorg/payment-service:${tag}`),
  )
  await git(folder, 'checkout', '-q', '-b', 'feature/x')
  assert.deepEqual(await tagsOf(call, folder), tags.slice(0, -1))
})

test('the number of the build is the CI system’s, else the day’s next one', async t => {
  const { call, folder } = await project(t)
  const build = async (env: NodeJS.ProcessEnv) =>
    (await call(['release', 'tags', '--format', '{{.Build}}', folder], { env })).stdout.split('\n')[0]
  assert.equal(await build({ GITHUB_RUN_NUMBER: '812' }), '20260130.812')
  assert.equal(await build({ CI_PIPELINE_IID: '7' }), '20260130.7')
  assert.equal(await build({ BUILD_BUILDNUMBER: '20260131.4' }), '20260131.4')
  assert.equal(await build({ GITHUB_RUN_NUMBER: '$(id)' }), '20260130.1')
  await call(['build', '-q', '--release', folder])
  assert.equal(await build({}), '20260130.1', 'the same commit is the same build')
  await writeFile(join(folder, 'more'), '')
  await commitAll(folder)
  assert.equal(await build({}), '20260130.2')
  await call(['rmi', '-f', 'myorg/payment-service:1.0.0-20260130.1'])
  assert.equal(await build({}), '20260130.2', 'no number is given twice')
  assert.equal(await build({ SOURCE_DATE_EPOCH: '1769860800' }), '20260131.1')
})

test('a branch comes from CI when a commit is checked out, but never from a pull request', async t => {
  const { call, folder, commit } = await project(t)
  await git(folder, 'checkout', '-q', commit)
  const isLatest = async (env: NodeJS.ProcessEnv) => (await tagsOf(call, folder, { env })).includes('latest')
  assert.equal(await isLatest({}), false)
  assert.equal(await isLatest({ GITHUB_REF_TYPE: 'branch', GITHUB_REF_NAME: 'main' }), true)
  assert.equal(await isLatest({ CI_COMMIT_BRANCH: 'main' }), true)
  assert.equal(
    await isLatest({ GITHUB_REF_TYPE: 'branch', GITHUB_REF_NAME: '5/merge', GITHUB_HEAD_REF: 'main' }),
    false,
  )
  assert.equal(await isLatest({ BRANCH_NAME: 'main', CHANGE_ID: '5' }), false)
})

test('a work tree that differs is refused and names what differs; allowed, the commit’s tags say so', async t => {
  const { call, folder, sha } = await project(t)
  await writeFile(join(folder, 'package.json'), PACKAGE.replace('1.0.0', '1.1.0'))
  await writeFile(join(folder, 'new file'), '')
  const said = await refusal(call, ['release', 'tags', folder])
  assert.match(said, new RegExp(`^ERROR: the work tree differs from commit ${sha}: package.json, new file\nhint: `))
  assert.match(await refusal(call, ['build', '--release', folder]), /^ERROR: the work tree differs from commit/)
  assert.equal((await call(['images', '-q'])).stdout, '')
  const { stdout } = await call(['release', 'tags', '--allow-dirty', '--format', '{{.Tag}}', folder])
  assert.deepEqual(stdout.split('\n').slice(2, 4), [`1.1.0-${sha}-dirty`, `git-${sha}-dirty`])
})

const VERSIONS: readonly (readonly [what: string, tree: Tree, gitTag: string | undefined, version: string])[] = [
  ['pom.xml', { 'pom.xml': '<project><artifactId>a</artifactId><version>2.1</version></project>' }, 'v9.0.0', '2.1'],
  ['Cargo.toml', { 'Cargo.toml': '[package]\nname = "a"\nversion = "0.3.0"\n' }, undefined, '0.3.0'],
  ['pyproject.toml', { 'pyproject.toml': '[project]\nname = "a"\nversion = "4.0"\n' }, undefined, '4.0'],
  ['VERSION', { VERSION: '5.0.1\n' }, undefined, '5.0.1'],
  ['a git tag', { 'package.json': '{"private": true}' }, 'v1.2.3', '1.2.3'],
  ['build metadata in it', { VERSION: '1.0.0+exp.5' }, undefined, '1.0.0-exp.5'],
  ['git, since shale.yaml says so', { VERSION: '5', 'shale.yaml': 'release:\n  version: git\n' }, '3.0.0', '3.0.0'],
  ['another file', { 'etc/v': '7.7', 'shale.yaml': 'release:\n  version: etc/v\n' }, undefined, '7.7'],
  ['shale.yaml itself', { 'shale.yaml': 'release:\n  version: "8.0"\n' }, undefined, '8.0'],
]

for (const [what, tree, gitTag, version] of VERSIONS) {
  test(`the version is that of ${what}`, async t => {
    const { call, folder } = await project(t, tree)
    if (gitTag !== undefined) await git(folder, 'tag', gitTag)
    assert.equal((await tagsOf(call, folder))[0], version)
  })
}

test('commits after a git tag are counted', async t => {
  const { call, folder } = await project(t, { a: '1' })
  await git(folder, 'tag', '-a', '-m', 'first', 'v1.2.3')
  await writeFile(join(folder, 'a'), '2')
  const commit = await commitAll(folder)
  assert.deepEqual((await tagsOf(call, folder))[2], `1.2.3-1-${commit.slice(0, 7)}`)
})

test('what is missing is left out of the defaults, with a note', async t => {
  const { call, folder, sha } = await project(t, { a: '' })
  const noVersion = await call(['release', 'tags', '--image', 'app', folder])
  assert.equal(noVersion.stdout, `app:git-${sha}\napp:latest\n`)
  assert.match(noVersion.stderr, /^note: no tags with the version: no package file here names a version/)
  const plain = await fixtureTree(await tmp(t), PROJECT)
  const noGit = await call(['release', 'tags', plain])
  assert.equal(noGit.stdout, 'myorg/payment-service:1.0.0\nmyorg/payment-service:1.0.0-20260130.1\n')
  assert.equal(noGit.stderr, 'note: no tags with the commit: this is no git work tree\n')
  const nothing = await call(['release', 'tags', '--image', 'app', await tmp(t)])
  assert.match(nothing.stderr, /^ERROR: there is nothing to make a tag of: no tags with the version/)
})

test('variables of git and hooks of the repository do not count', async t => {
  const { call, folder, sha } = await project(t)
  await git(folder, 'config', 'core.fsmonitor', `touch '${join(folder, 'ran')}' #`)
  const env = { GIT_DIR: '/nonexistent', GIT_WORK_TREE: '/', GIT_INDEX_FILE: '/nonexistent' }
  assert.ok((await tagsOf(call, folder, { env })).includes(`git-${sha}`))
})

const STRATEGY = `release:
  image: [myorg/app, registry.example.com/team/app]
  tags: ['{version}', '{major}.{minor}', 'build-{build}', '{branch}-{sha}']
  channels:
    main: [latest, edge]
    release/*: stable
`

test('a strategy names repositories, tags and channels', async t => {
  const { call, folder, sha } = await project(t, { ...PROJECT, 'shale.yaml': STRATEGY })
  const { stdout } = await call(['release', 'tags', folder])
  const tags = ['1.0.0', '1.0', 'build-20260130.1', `main-${sha}`, 'latest', 'edge']
  const names = ['myorg/app', 'registry.example.com/team/app'].flatMap(name => tags.map(tag => `${name}:${tag}`))
  assert.deepEqual(stdout.trim().split('\n'), names)
  await git(folder, 'checkout', '-q', '-b', 'release/1.x')
  assert.deepEqual((await tagsOf(call, folder)).slice(3, 5), [`release-1.x-${sha}`, 'stable'])
})

const MISTAKES: readonly (readonly [yaml: string, says: RegExp])[] = [
  [
    'release:\n  tags:\n    - "{verson}"\n',
    /^ERROR: shale\.yaml:3: release\.tags\.0: there is no \{verson\}: did you mean \{version\}\?\n/,
  ],
  ['release:\n  imge: app\n', /^ERROR: shale\.yaml:2: there is no "imge" in release: did you mean image\?\n/],
  ['relase:\n', /^ERROR: shale\.yaml:1: there is no "relase": did you mean release\?\n/],
  ['release:\n\n  version: 1.0\n', /^ERROR: shale\.yaml:3: release\.version is to be text in quotes\n/],
  ['release:\n  tags: [a\n', /^ERROR: shale\.yaml:\d: .*\n/],
  ['release:\n  tags: ["-x"]\n', /^ERROR: shale\.yaml:2: release\.tags\.0: a tag has at most 128/],
  ['release:\n  tags: [1.0]\n', /^ERROR: shale\.yaml:2: release\.tags\.0 is to be text in quotes\n/],
  [
    'release:\n  channels:\n    main: {a: b}\n',
    /^ERROR: shale\.yaml:3: release\.channels\.main is to be a tag or a list/,
  ],
  ['release:\n---\nb: 1\n', /^ERROR: shale\.yaml:2: the file is to be one document, but --- begins another\n/],
  ['release:\n  tags: []\n', /^ERROR: shale\.yaml:2: release\.tags is to be a list of tags\n/],
  ['release:\n  image: app:1\n', /^ERROR: shale\.yaml:2: "app:1" is to be a repository, without tag and digest\n/],
  [
    'release:\n  tags: ["{patch}"]\n  version: "1.0"\n',
    /^ERROR: shale\.yaml:2: \{patch\} has no value: the version has no patch\n/,
  ],
  [
    'release:\n  version: ../VERSION\n',
    /^ERROR: shale\.yaml:2: the version is not known: \.\.\/VERSION is not in the project's folder\n/,
  ],
  [
    `a: &a [1]\nb: &b [${'*a,'.repeat(99)}]\nc: [${'*b,'.repeat(99)}]\n`,
    /^ERROR: shale\.yaml:1: Excessive alias count/,
  ],
]

test('a mistake in shale.yaml is shown with its line', async t => {
  const { call, folder } = await project(t)
  for (const [yaml, says] of MISTAKES) {
    await writeFile(join(folder, 'shale.yaml'), yaml)
    assert.match(await refusal(call, ['release', 'tags', '--allow-dirty', folder]), says)
  }
})

const LABEL = 'org.opencontainers.image'

async function labelsOf(call: Shale, name: string): Promise<Readonly<Record<string, string>>> {
  return JSON.parse((await call(['inspect', '--format', '{{json .Config.Labels}}', name])).stdout)
}

test('build --release names and labels the image in one go, and again alike', async t => {
  const { call, folder, commit, sha } = await project(t)
  await git(folder, 'remote', 'add', 'origin', 'https://ann:secret@git.example.com/org/app.git')
  const env = { SOURCE_DATE_EPOCH: '' }
  const id = (await call(['build', '-q', '--release', '-t', 'extra:1', folder], { env })).stdout.trim()
  const names = (await call(['images', '--no-trunc', '--format', '{{.ID}} {{.Repository}}:{{.Tag}}'])).stdout
  const day = new Date().toISOString().slice(0, 10).replaceAll('-', '')
  for (const tag of ['1.0.0', `1.0.0-${day}.1`, `1.0.0-${sha}`, `git-${sha}`, 'latest']) {
    assert.ok(names.includes(`${id} myorg/payment-service:${tag}\n`), `${tag} in\n${names}`)
  }
  assert.ok(names.includes(`${id} extra:1\n`))
  const created = (await call(['inspect', '--format', '{{.Created}}', id])).stdout.trim()
  assert.deepEqual(await labelsOf(call, id), {
    [`${LABEL}.created`]: created,
    [`${LABEL}.revision`]: commit,
    [`${LABEL}.source`]: 'https://git.example.com/org/app',
    [`${LABEL}.version`]: '1.0.0',
  })
  assert.equal((await call(['build', '-q', '--release', folder], { env })).stdout.trim(), id)
})

test('labels and tags of a release cost no cache hit', async t => {
  const { call, folder } = await project(t)
  const build = async (...words: readonly string[]) =>
    (await call(['build', ...words, folder], { env: { SOURCE_DATE_EPOCH: '' } })).stderr
  assert.match(await build(), /: 1 ran, 0 cached\n/)
  assert.match(await build('--release'), /: every step came from the cache\n/)
  await writeFile(join(folder, 'more'), '')
  await commitAll(folder)
  assert.match(await build('--release'), /: every step came from the cache\n/)
})

test('two clones of a commit give one digest', async t => {
  const { call, folder } = await project(t)
  await git(folder, 'remote', 'add', 'origin', 'git@git.example.com:org/app.git')
  const clone = join(await tmp(t), 'clone')
  await git(folder, 'clone', '-q', folder, clone)
  await git(clone, 'remote', 'set-url', 'origin', 'https://git.example.com/org/app')
  const other = await shale(t, { env: { ...NO_CI, ...DAY, GITHUB_RUN_NUMBER: '5' } })
  const [one, two] = [
    await call(['build', '-q', '--release', folder]),
    await other(['build', '-q', '--release', clone]),
  ]
  assert.match(one.stdout, /^sha256:/)
  assert.equal(one.stdout, two.stdout)
})

test('a -t without a tag names the repository of the release', async t => {
  const { call, folder, sha } = await project(t)
  await call(['build', '-q', '--release', '-t', 'registry.example.com/team/app', folder])
  const { stdout } = await call(['images', '--format', '{{.Repository}}:{{.Tag}}'])
  assert.ok(stdout.includes(`registry.example.com/team/app:1.0.0-${sha}\n`))
  assert.ok(!stdout.includes('payment-service'))
})

test('what is built on a released image names that as its base and keeps none of its origin', async t => {
  const { call, folder } = await project(t)
  const base = (await call(['build', '-q', '--release', folder])).stdout.trim()
  const derived = await fixtureTree(await tmp(t), {
    Dockerfile: 'FROM myorg/payment-service:1.0.0 AS one\nFROM one\nLABEL own=label\n',
    VERSION: '2.0.0',
  })
  await call(['build', '-q', '--release', '--label', 'a=b', '-t', 'derived:1', '-t', 'derived', derived])
  assert.match((await call(['images', 'derived'])).stdout, /derived +1 /)
  const labels = await labelsOf(call, 'derived:2.0.0')
  assert.deepEqual(labels, {
    a: 'b',
    [`${LABEL}.base.digest`]: base,
    [`${LABEL}.base.name`]: 'docker.io/myorg/payment-service:1.0.0',
    [`${LABEL}.created`]: '2026-01-30T12:00:00.000Z',
    [`${LABEL}.version`]: '2.0.0',
    own: 'label',
  })
})

test('--release needs a folder, --allow-dirty a release', async t => {
  const { call, folder } = await project(t)
  assert.match(
    (await call(['build', '--release', '-'], { input: 'FROM scratch\n' })).stderr,
    /--release needs the folder/,
  )
  assert.match((await call(['build', '--allow-dirty', folder])).stderr, /--allow-dirty is of use with --release only/)
})
