import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { fixtureTree } from '../support/fixture.ts'
import { type Shale, shale, tmp } from '../support/shale.ts'

/** A store with `app:1` and an image that lost that name. */
async function withTwoImages(t: TestContext): Promise<{ readonly call: Shale; readonly old: string }> {
  const call = await shale(t)
  const folder = await fixtureTree(await tmp(t), { Dockerfile: 'FROM scratch\nCOPY a /\n', a: 'x'.repeat(20_000) })
  const old = (await call(['build', '-q', '-t', 'app:1', folder])).stdout.trim()
  await call(['build', '-q', '-t', 'app:1', '--label', 'new=1', folder])
  return { call, old }
}

test('image prune asks, and takes no for an answer', async t => {
  const { call, old } = await withTwoImages(t)
  const no = await call(['image', 'prune'], { input: 'n\n' })
  assert.match(
    no.stderr,
    /^WARNING! This will remove all dangling images\.\nAre you sure you want to continue\? \[y\/N\] /,
  )
  assert.match(no.stderr, /image prune has been cancelled/)
  assert.equal(no.code, 1)
  const nobody = await call(['image', 'prune'])
  assert.match(nobody.stderr, /nobody answered; use --force/)
  const yes = await call(['image', 'prune'], { input: 'y\n' })
  assert.match(yes.stdout, new RegExp(`^Deleted Images:\ndeleted: ${old}\n\nTotal reclaimed space: `))
  assert.equal((await call(['images', '-q'])).stdout.trim().split('\n').length, 1)
})

test('a dry run removes nothing, an explanation says what keeps what', async t => {
  const { call, old } = await withTwoImages(t)
  const dry = await call(['image', 'prune', '-a', '--dry-run'])
  assert.match(dry.stdout, /^Would delete images:\n/)
  assert.match(dry.stdout, /untagged: app:1\n/)
  assert.equal((await call(['images', '-q'])).stdout.trim().split('\n').length, 2)
  const explained = await call(['image', 'prune', '--explain', '--dry-run'])
  assert.match(explained.stdout, /^stays +image app:1 +tag app:1 points at it$/m)
  assert.match(explained.stdout, new RegExp(`^goes +image ${old.slice(7, 19)} +no tag points at it`, 'm'))
})

test('prune filters', async t => {
  const { call } = await withTwoImages(t)
  const young = await call(['image', 'prune', '-af', '--filter', 'until=24h'])
  assert.equal(young.stdout, 'Total reclaimed space: 0B\n')
  const labelled = await call(['image', 'prune', '-af', '--filter', 'label!=new'])
  assert.match(labelled.stdout, /^Deleted Images:\ndeleted: /)
  assert.equal((await call(['images', '--format', '{{.Repository}}'])).stdout, 'app\n')
  assert.match((await call(['image', 'prune', '-f', '--filter', 'x=y'])).stderr, /^ERROR: invalid filter "x=y"/)
  const named = await call(['image', 'prune', '-af', '--filter', 'dangling=true'])
  assert.equal(named.stdout, 'Total reclaimed space: 0B\n')
  const wrong = await call(['image', 'prune', '-f', '--filter', 'dangling=maybe'])
  assert.match(wrong.stderr, /^invalid filter 'dangling=maybe'\n/)
  const all = await call(['image', 'prune', '-f', '--filter', 'dangling=false', '--filter', 'label=new'])
  assert.match(all.stdout, /^Deleted Images:\nuntagged: app:1\ndeleted: /)
})

test('builder prune and system prune empty the store', async t => {
  const { call } = await withTwoImages(t)
  const kept = await call(['builder', 'prune', '-f', '--explain'])
  assert.match(kept.stdout, /its layer is part of image/)
  const prune = ['builder', 'prune', '-a', '--dry-run', '--filter']
  assert.match(
    (await call([...prune, 'type=copy'])).stdout,
    /^Would delete build cache objects:\n[0-9a-f]{12} {2}COPY a \/\n\n/,
  )
  for (const nothing of ['type=run', 'description=RUN', 'unused-for=24h', 'id=nosuch']) {
    assert.match((await call([...prune, nothing])).stdout, /^Total that would be reclaimed: /, nothing)
  }
  assert.match((await call([...prune, 'label=a'])).stderr, /^invalid filter 'label'\n/)
  const unknown = await call([...prune, 'nope=1'])
  assert.match(
    unknown.stderr,
    /^invalid filter 'nope'\n+Filters: description, id, inuse, private, shared, type, until\n/,
  )
  const cache = await call(['builder', 'prune', '-af'])
  assert.match(cache.stdout, /^Deleted build cache objects:\n[0-9a-f]{12} {2}.*COPY a \/\n/)
  const all = await call(['system', 'prune', '-af'])
  assert.match(all.stdout, /^Deleted Images:\n/)
  assert.equal((await call(['images', '-q'])).stdout, '')
  assert.equal((await call(['system', 'df', '--format', '{{.Type}} {{.Size}}'])).stdout.split('\n')[0], 'Images 0B')
})

test('system df: docker’s columns, and a line for everything with -v', async t => {
  const { call } = await withTwoImages(t)
  const { stdout } = await call(['system', 'df'])
  assert.match(stdout, /^TYPE {2,}TOTAL {2,}ACTIVE {2,}SIZE {2,}RECLAIMABLE\nImages {2,}2 {2,}0 {2,}/)
  assert.match(stdout, new RegExp(`\nTotal: .* in ${call.root}\n$`))
  const verbose = await call(['system', 'df', '-v'])
  assert.match(verbose.stdout, /^Images space usage:\n\nREPOSITORY {2,}TAG/)
  assert.match(
    verbose.stdout,
    /\nSIZE is what the image takes on this disk, .* in `shale images` it is the unpacked files/,
  )
  const json = JSON.parse((await call(['system', 'df', '-v', '--format', 'json'])).stdout)
  assert.deepEqual(Object.keys(json), ['Images', 'Containers', 'Volumes', 'BuildCache'])
  assert.deepEqual([json.Images.length, json.Containers, json.BuildCache[0].Shared], [2, [], 'true'])
  const names = await call(['system', 'df', '-v', '--format', '{{range .Images}}{{.Repository}}:{{.Tag}} {{end}}'])
  assert.match(names.stdout, /(?:^| )app:1 /)
  assert.match(verbose.stdout, /\nCACHE ID {2,}CACHE TYPE/)
})

test('builder du: buildx’s columns, totals last', async t => {
  const { call } = await withTwoImages(t)
  const { stdout } = await call(['builder', 'du'])
  assert.match(stdout, /^ID {2,}RECLAIMABLE {2,}SIZE {2,}LAST ACCESSED\n[0-9a-f]{12} {2,}true {2,}\S+B\*? {2,}/)
  assert.match(stdout, /\nShared: +\S+B\nPrivate: +\S+B\nReclaimable: +\S+B\nTotal: +\S+B\n$/)
  const verbose = await call(['buildx', 'du', '--verbose'])
  assert.match(verbose.stdout, /^ID: +sha256:[0-9a-f]{64}\nCreated at: .*\nMutable: +false\nReclaimable: +true\n/)
  assert.match(verbose.stdout, /\nDescription: .*COPY a \/\n/)
  const none = await call(['builder', 'du', '--filter', 'until=24h'])
  assert.equal(none.stdout.replaceAll(/ +/g, ' '), 'Reclaimable: 0B\nTotal: 0B\n')
  await call(['rmi', 'app:1'])
  await call(['image', 'prune', '-af'])
  assert.doesNotMatch((await call(['builder', 'du'])).stdout, /Shared:/)
  assert.match((await call(['builder', 'du', '--filter', 'kind=x'])).stderr, /Filters: description, id, /)
})
