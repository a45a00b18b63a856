import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { formatPlatform, hostPlatform } from '../../src/oci/platform.ts'
import { fakeRegistry } from '../../src/registry/client/testing.ts'
import { VERSION } from '../../src/version.ts'
import { fixtureTree, type Tree } from '../support/fixture.ts'
import { commitAll, committed, git } from '../support/git.ts'
import { type Shale, shale, tmp } from '../support/shale.ts'

const SHA256 = /sha256:[0-9a-f]{64}/g
const { username } = userInfo()
const PACKAGE = '{"name": "@myorg/payment-service", "version": "1.0.0"}'

async function ok(call: Shale, ...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await call(words)
  assert.deepEqual([code, stderr], [0, ''], words.join(' '))
  return stdout
}

const build = async (call: Shale, folder: string, ...words: readonly string[]) =>
  (await ok(call, 'build', '-q', ...words, folder)).trim()

/** Digests and times out of the way. */
const plain = (text: string) => text.replaceAll(SHA256, 'DIGEST').replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')

interface Facts {
  readonly Id: string
  readonly Place: string
  readonly Revision: string
  readonly Version: string
  readonly Builds: readonly string[]
  readonly Built: Readonly<Record<string, string>>
  readonly Base: Readonly<Record<string, string>>
  readonly Name: string
  readonly Container?: Readonly<Record<string, string>>
  readonly Tags: readonly string[]
  readonly Moves: readonly Readonly<Record<string, string>>[]
}

async function facts(call: Shale, ...words: readonly string[]): Promise<Facts> {
  return JSON.parse(await ok(call, 'whatis', '--format', 'json', ...words))
}

/** A project on `base`, released as build 7 of 30 January 2026. */
async function released(t: TestContext, base: string, tree: Tree = {}) {
  const call = await shale(t, { env: { SOURCE_DATE_EPOCH: '1769774400', GITHUB_RUN_NUMBER: '7', TZ: 'UTC' } })
  const bases = await fixtureTree(await tmp(t), { Dockerfile: 'FROM scratch\nCOPY a /\n', a: '1' })
  const baseId = await build(call, bases, '-t', base)
  const folder = await fixtureTree(await tmp(t), {
    Dockerfile: `FROM ${base}\nCOPY package.json /\n`,
    'package.json': PACKAGE,
    ...tree,
  })
  const commit = await committed(folder)
  await git(folder, 'remote', 'add', 'origin', 'git@git.example.com:org/app.git')
  const id = await build(call, folder, '--release')
  const changeBase = async () => {
    await writeFile(join(bases, 'a'), '2')
    return await build(call, bases, '-t', base)
  }
  return { call, folder, commit, sha: commit.slice(0, 7), id, baseId, changeBase }
}

test('whatis names the commit, version, build, Dockerfile, base, tags and who moved them', async t => {
  const { call, commit, sha } = await released(t, 'base:1')
  await ok(call, 'promote', `myorg/payment-service:1.0.0-${sha}`, 'prod')
  const said = plain(await ok(call, 'whatis', 'myorg/payment-service:prod'))
  const tags = ['1.0.0', '1.0.0-20260130.7', `1.0.0-${sha}`, `git-${sha}`, 'latest', 'prod'].toSorted()
  assert.ok(
    said.startsWith(
      [
        'image:      DIGEST (in the store)',
        `commit:     ${commit}`,
        'version:    1.0.0',
        'build:      20260130.7',
        'source:     https://git.example.com/org/app',
        'created:    TIME',
        `platform:   ${formatPlatform(hostPlatform())}`,
        `built:      TIME by ${username} with shale ${VERSION}`,
        'Dockerfile: Dockerfile (DIGEST)',
        'base:       docker.io/library/base:1@DIGEST',
        'base now:   the same in the store; --check-base asks its registry',
        ...tags.map((tag, at) => `${at === 0 ? 'tags:' : '     '}       myorg/payment-service:${tag}`),
        '',
        'WHEN',
      ].join('\n'),
    ),
    said,
  )
  assert.match(said, new RegExp(`\n\\S.* ago +promote +${username} +store +myorg/payment-service:prod +<none>\n`))
})

test('the same by digest, ID, beginning of one and config; as JSON and through a template', async t => {
  const { call, commit, id, baseId } = await released(t, 'base:1')
  const whole = await facts(call, 'myorg/payment-service:1.0.0')
  assert.deepEqual([whole.Id, whole.Revision, whole.Version, whole.Builds], [id, commit, '1.0.0', ['20260130.7']])
  assert.deepEqual(whole.Base, {
    ...{ Name: 'docker.io/library/base:1', Digest: baseId, State: 'current', Now: '', Why: '' },
  })
  const { config } = JSON.parse(await readFile(join(call.root, 'blobs/sha256', id.slice(7)), 'utf8'))
  for (const text of [id, id.slice(7, 19), id.slice(0, 20), `myorg/payment-service@${id}`, config.digest]) {
    assert.deepEqual({ ...(await facts(call, text)), Name: '' }, { ...whole, Name: '' }, text)
  }
  assert.equal(await ok(call, 'whatis', '--format', '{{.Revision}}', id), `${commit}\n`)
})

test('whatis tells when the base has moved, or cannot, in the store and at its registry', async t => {
  const registry = await fakeRegistry(t)
  const base = `${registry.host}/base:1`
  const { call, changeBase, baseId } = await released(t, base)
  const about = async (...words: readonly string[]) => (await facts(call, ...words, 'myorg/payment-service:1.0.0')).Base
  await ok(call, 'push', '-q', base)
  assert.equal((await about('--check-base')).State, 'current')
  const next = await changeBase()
  assert.deepEqual(await about(), { Name: base, Digest: baseId, State: 'moved', Now: next, Why: '' })
  assert.equal((await about('--check-base')).State, 'current')
  await ok(call, 'push', '-q', base)
  assert.equal((await about('--check-base')).Now, next)
  const text = await ok(call, 'whatis', '--check-base', 'myorg/payment-service:1.0.0')
  assert.match(text, new RegExp(`\nbase now: +it has moved: ${next} in its registry\n`))
  registry.manifests.clear()
  assert.equal((await about('--check-base')).Why, 'its registry has no image of that name')
  await ok(call, 'rmi', '-f', base)
  assert.equal((await about()).Why, 'the store has no image of that name')
})

test('whatis of a registry’s image reads its labels and downloads no layer', async t => {
  const registry = await fakeRegistry(t)
  const { call, folder, commit, sha, id } = await released(t, 'base:1', {
    'shale.yaml': `release:\n  image: ${registry.host}/team/app\n`,
  })
  const name = `${registry.host}/team/app`
  for (const tag of ['1.0.0', `1.0.0-${sha}`]) await ok(call, 'push', '-q', `${name}:${tag}`)
  await ok(call, 'promote', '-q', '--registry', `${name}:1.0.0`, 'prod')
  // Newer in the store than in the registry.
  await writeFile(join(folder, 'more'), '')
  const later = await commitAll(folder)
  await build(call, folder, '--release')
  assert.equal((await facts(call, `${name}:1.0.0`)).Revision, later)
  assert.match(
    await ok(call, 'whatis', `${name}:1.0.0`),
    /\nregistry: +not asked where .* has it now; --registry does\n/,
  )

  registry.requests.length = 0
  const there = await facts(call, '--registry', `${name}:1.0.0`)
  assert.deepEqual([there.Place, there.Id, there.Revision, there.Version], ['registry', id, commit, '1.0.0'])
  assert.equal(registry.requests.filter(line => line.includes('/blobs/')).length, 1)
  assert.deepEqual(
    there.Moves.filter(({ Place }) => Place === 'registry').map(({ Why, By, Name }) => [Why, By, Name]),
    [
      ['promote', username, `${name}:prod`],
      ['push', username, `${name}:1.0.0-${sha}`],
      ['push', username, `${name}:1.0.0`],
    ],
  )
  // Elsewhere nobody knows more than the labels.
  const stranger = await shale(t)
  const seen = await facts(stranger, `${name}:prod`)
  assert.deepEqual([seen.Place, seen.Id, seen.Revision, seen.Moves], ['registry', id, commit, []])
  assert.equal(seen.Base.State, 'unknown')
  assert.equal((await stranger(['images', '-q'])).stdout, '')
})

test('of an image that is gone its moves are left; of a tag that is gone a hint', async t => {
  const { call, id, sha } = await released(t, 'base:1')
  await ok(call, 'rmi', '-f', id)
  await ok(call, 'image', 'prune', '-a', '-f')
  const gone = await facts(call, id.slice(7, 19))
  assert.deepEqual([gone.Id, gone.Place, gone.Tags, gone.Builds], [id, 'gone', [], ['20260130.7']])
  assert.match(
    await ok(call, 'whatis', id),
    /^image: +sha256:\w+ \(no longer in the store\)\nbuild: +20260130\.7\ntags: +none\n/,
  )
  const { code, stderr } = await call(['whatis', `myorg/payment-service:git-${sha}`])
  assert.equal(code, 1)
  assert.match(stderr, /^ERROR: No such image: .*\nhint: it pointed at sha256:\w+ until .*: shale tags log myorg/)
})

test('of a container: the code of its image, also when the name that it was made from means another by now', async t => {
  const { call, folder, commit, id } = await released(t, 'base:1')
  const image = 'myorg/payment-service:latest'
  const container = (await ok(call, 'create', '--name', 'shop', image, '/package.json')).trim()
  for (const text of ['shop', container, container.slice(0, 12)]) {
    const about = await facts(call, text)
    assert.deepEqual([about.Id, about.Revision, about.Name], [id, commit, ''], text)
    const { Created, ...rest } = about.Container ?? {}
    assert.deepEqual(rest, { Id: container, Name: 'shop', State: 'created', Image: image, Moved: '' })
    assert.ok(Date.parse(Created ?? '') > 0)
  }
  assert.equal((await facts(call, image)).Container?.Id, '')
  const line = `container:  shop (${container.slice(0, 12)}), Created, made from ${image}\n`
  assert.ok((await ok(call, 'whatis', 'shop')).startsWith(`${line}image:      ${id} (in the store)\n`))

  await writeFile(join(folder, 'more'), '')
  await commitAll(folder)
  const next = await build(call, folder, '--release')
  assert.ok(
    (await ok(call, 'whatis', 'shop')).startsWith(`${line}            ${image} is another image now: ${next}\n`),
  )
  assert.deepEqual([(await facts(call, 'shop')).Revision, (await facts(call, 'shop')).Container?.Moved], [commit, next])
  await ok(call, 'rmi', image)
  assert.match(await ok(call, 'whatis', 'shop'), /\n {12}\S+ is no image here any more\n/)
  // As with inspect, the container goes first; a tag means the image.
  await ok(call, 'tag', next, 'shop')
  assert.equal((await facts(call, 'shop')).Id, id)
  assert.equal((await facts(call, 'shop:latest')).Id, next)
})

test('an image without labels says what is known; labels cannot write to the terminal', async t => {
  const call = await shale(t)
  const folder = await fixtureTree(await tmp(t), { Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' })
  await build(call, folder, '-t', 'plain:1')
  assert.match(await ok(call, 'whatis', 'plain:1'), /\ncommit: +not known: it has no label for it\n/)
  await build(call, folder, '-t', 'evil:1', '--label', 'org.opencontainers.image.version=1\u001b[2J\nx')
  assert.match(await ok(call, 'whatis', 'evil:1'), /\nversion: +1 x\n/)
  for (const [words, says] of [
    [['nothere'], /^ERROR: No such image: nothere\nhint: --registry asks docker\.io for it\n/],
    [['--format', '{{.Nope}}', 'plain:1'], /Nope/],
    [['--format', '{{', 'plain:1'], /^ERROR: /],
  ] as const) {
    const { code, stderr } = await call(['whatis', ...words])
    assert.notEqual(code, 0)
    assert.match(stderr, says)
  }
})
