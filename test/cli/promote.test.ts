import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type FakeRegistry, fakeRegistry } from '../../src/registry/client/testing.ts'
import { fixtureTree } from '../support/fixture.ts'
import { type Shale, shale, tmp } from '../support/shale.ts'

const NONE = `sha256:${'0'.repeat(64)}`

async function ok(call: Shale, ...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await call(words)
  assert.deepEqual([code, stderr], [0, ''], words.join(' '))
  return stdout
}

async function refused(call: Shale, ...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await call(words)
  assert.deepEqual([code, stdout], [1, ''], words.join(' '))
  return stderr
}

/** `NAME:1`, `NAME:2`, `NAME:3`, different images; their digests. */
async function images(t: TestContext, call: Shale, name: string): Promise<readonly [string, string, string]> {
  const folder = await fixtureTree(await tmp(t), { Dockerfile: 'FROM scratch\nCOPY a /\n' })
  const ids: string[] = []
  for (const tag of ['1', '2', '3']) {
    await writeFile(join(folder, 'a'), tag)
    ids.push((await ok(call, 'build', '-q', '-t', `${name}:${tag}`, folder)).trim())
  }
  return ids as [string, string, string]
}

const idOf = (call: Shale, name: string) => ok(call, 'inspect', '-f', '{{.Id}}', name)

test('promote says what moved from where to where', async t => {
  const call = await shale(t)
  const [one, two] = await images(t, call, 'app')
  assert.equal(await ok(call, 'promote', 'app:1', 'prod'), `app:prod promoted\nfrom: none\nto:   ${one}\n`)
  assert.equal(await ok(call, 'promote', 'app:2', 'app:prod'), `app:prod promoted\nfrom: ${one}\nto:   ${two}\n`)
  assert.equal(await ok(call, 'promote', 'app:2', 'prod'), `app:prod is already there\nat:   ${two}\n`)
  assert.equal(await ok(call, 'promote', '-q', `app@${one}`, 'prod'), `${one}\n`)
  assert.equal(await idOf(call, 'app:prod'), `${one}\n`)
  assert.equal(
    await ok(call, 'promote', two.slice(7, 19), 'host.example.com/team/app:prod'),
    `host.example.com/team/app:prod promoted\nfrom: none\nto:   ${two}\n`,
  )
  const log = await ok(call, 'tags', 'log', '--format', '{{.Why}} {{.To}}', 'app:prod')
  assert.equal(log, [one, two, one].map(id => `promote ${id.slice(7, 19)}\n`).join(''))
})

test('promote --expect moves the tag only from where it was seen', async t => {
  const call = await shale(t)
  const [one, two] = await images(t, call, 'app')
  await ok(call, 'promote', '--expect', 'none', 'app:1', 'prod')
  const moved = await refused(call, 'promote', '--expect', two, 'app:2', 'prod')
  assert.equal(
    moved,
    `ERROR: app:prod is at ${one}, not at ${two} as expected: somebody else has moved it\n` +
      'hint: look who did: shale tags log app:prod\n',
  )
  assert.match(await refused(call, 'promote', '--expect', 'none', 'app:2', 'prod'), /it was not to be there: somebody/)
  assert.match(
    await refused(call, 'promote', '--expect', NONE, 'app:2', 'new'),
    /^ERROR: app:new is not there, not at /,
  )
  assert.equal(await idOf(call, 'app:prod'), `${one}\n`)
  await ok(call, 'promote', '--expect', one.slice(7, 19), 'app:2', 'prod')
  assert.equal(await idOf(call, 'app:prod'), `${two}\n`)
})

const MISTAKES: readonly (readonly [words: readonly string[], says: RegExp])[] = [
  [['app:9', 'prod'], /^ERROR: No such image: app:9\nhint: .* add --registry\n$/],
  [['ID', 'prod'], /^ERROR: prod is a tag, and an ID tells no repository for it\nhint: .*app:prod\n$/],
  [['app:1', 'app@ID'], /^ERROR: app@sha256:\w+ names an image by its digest, which never moves\n/],
  [['app:1', '-x'], /^ERROR: |unknown/],
  [['app:1', 'a b'], /^ERROR: invalid reference format/],
  [['--expect', 'prod', 'app:1', 'x'], /^ERROR: --expect takes a digest or none, not "prod"\nhint: /],
]

test('promote refuses what cannot be meant', async t => {
  const call = await shale(t)
  const [one] = await images(t, call, 'app')
  for (const [words, says] of MISTAKES) {
    const given = words.map(word => word.replace('ID', one))
    const { code, stderr } = await call(['promote', ...given])
    assert.notEqual(code, 0)
    assert.match(stderr, says)
  }
})

async function pushed(t: TestContext) {
  const [call, registry] = await Promise.all([shale(t), fakeRegistry(t)])
  const name = `${registry.host}/team/app`
  const ids = await images(t, call, name)
  for (const tag of ['1', '2', '3']) await ok(call, 'push', '-q', `${name}:${tag}`)
  registry.requests.length = 0
  return { call, registry, name, ids }
}

/** What was sent, without what was only asked. */
const sent = ({ requests }: FakeRegistry) => requests.filter(line => !/^(?:GET|HEAD) /.test(line))

test('promote --registry puts the manifest under the tag and nothing else', async t => {
  const { call, registry, name, ids } = await pushed(t)
  const [one, two] = ids
  await ok(call, 'rmi', '-f', one)
  assert.equal(
    await ok(call, 'promote', '--registry', `${name}:1`, 'prod'),
    `${name}:prod promoted in the registry\nfrom: none\nto:   ${one}\n`,
  )
  assert.deepEqual(sent(registry), ['PUT /v2/team/app/manifests/prod'])
  assert.ok(!registry.requests.some(line => line.includes('/blobs/')))
  assert.deepEqual(registry.manifests.get('team/app@prod'), registry.manifests.get('team/app@1'))
  assert.match(
    await refused(call, 'promote', '--registry', '--expect', two, `${name}:3`, 'prod'),
    /has moved it\nhint: /,
  )
  const moved = await ok(call, 'promote', '--registry', '--expect', one, `${name}@${two}`, `${name}:prod`)
  assert.equal(moved, `${name}:prod promoted in the registry\nfrom: ${one}\nto:   ${two}\n`)
  const again = await ok(call, 'promote', '--registry', `${name}:2`, 'prod')
  assert.equal(again, `${name}:prod is already there in the registry\nat:   ${two}\n`)
  assert.equal(sent(registry).length, 2)
  const log = await ok(call, 'tags', 'log', '--format', '{{.Why}} {{.Place}} {{.From}} {{.To}}', `${name}:prod`)
  assert.equal(log.split('\n')[0], `promote registry ${one.slice(7, 19)} ${two.slice(7, 19)}`)
})

test('promote --registry stays in the repository, and names what is not there', async t => {
  const { call, registry, name } = await pushed(t)
  assert.match(
    await refused(call, 'promote', '--registry', `${name}:1`, `${registry.host}/other/app:prod`),
    /is in another repository than .*\nhint: .*pull, tag and push/,
  )
  assert.match(
    await refused(call, 'promote', '--registry', `${name}:9`, 'prod'),
    /^ERROR: cannot pull .*app:9: HTTP 404/,
  )
  assert.deepEqual(sent(registry), [])
})

test('rollback --registry goes by what was put there from here and what that replaced', async t => {
  const { call, registry, name, ids } = await pushed(t)
  const [one, two, three] = ids
  for (const tag of ['1', '2']) await ok(call, 'promote', '-q', '--registry', `${name}:${tag}`, 'prod')
  // Somebody else's work.
  registry.manifests.set('team/app@prod', registry.manifests.get('team/app@3') ?? assert.fail())
  assert.equal(
    await ok(call, 'rollback', '--registry', `${name}:prod`),
    `${name}:prod rolled back in the registry\nfrom: ${three}\nto:   ${two}\n`,
  )
  assert.equal(await ok(call, 'rollback', '-q', '--registry', `${name}:prod`), `${one}\n`)
  assert.match(await refused(call, 'rollback', '--registry', `${name}:prod`), /has pointed at nothing earlier than/)
  assert.equal(await ok(call, 'rollback', '-q', '--registry', '--to', three.slice(7, 15), `${name}:prod`), `${three}\n`)
  registry.manifests.delete(`team/app@${two}`)
  assert.match(
    await refused(call, 'rollback', '--registry', '--to', two, `${name}:prod`),
    /^ERROR: cannot roll .*app:prod back to sha256:\w+: the registry has it no more\n/,
  )
  assert.match(await refused(call, 'rollback', '--registry', `${name}:never`), /^ERROR: nothing was pushed or promoted/)
})
