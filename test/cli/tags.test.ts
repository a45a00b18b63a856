import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fixtureTree } from '../support/fixture.ts'
import { type Shale, shale, tmp } from '../support/shale.ts'

/** `app:1` built three times from changing content; digests, oldest first. */
async function threeBuilds(t: TestContext): Promise<{ readonly call: Shale; readonly ids: readonly string[] }> {
  const call = await shale(t)
  const folder = await fixtureTree(await tmp(t), { Dockerfile: 'FROM scratch\nCOPY a /\n' })
  const ids: string[] = []
  for (const content of ['1', '2', '3']) {
    await writeFile(join(folder, 'a'), content)
    ids.push((await call(['build', '-q', '-t', 'app:1', folder])).stdout.trim())
  }
  return { call, ids }
}

const short = (id: string | undefined) => (id ?? '').slice(7, 19)

test('tags log: a line for each move, the last one first', async t => {
  const { call, ids } = await threeBuilds(t)
  const { username } = userInfo()
  const { stdout } = await call(['tags', 'log', 'app:1'])
  assert.match(stdout, /^WHEN {2,}WHY {2,}BY {2,}PLACE {2,}FROM {2,}TO {2,}STATE\n/)
  assert.match(stdout, new RegExp(`ago +build +${username} +store +${short(ids[1])} +${short(ids[2])} +current\n`))
  assert.match(stdout, new RegExp(`ago +build +${username} +store +<none> +${short(ids[0])} +here\n$`))
  const whole = await call(['tags', 'log', '-q', '--no-trunc', 'docker.io/library/app:1'])
  assert.equal(whole.stdout, `${ids.toReversed().join('\n')}\n`)
  const json = (await call(['tags', 'log', '--format', 'json', '--no-trunc', 'app:1'])).stdout.split('\n')
  assert.equal(JSON.parse(json[0] as string).To, ids[2])
  await call(['image', 'prune', '-f'])
  assert.match((await call(['tags', 'log', 'app:1'])).stdout, / gone\n$/)
})

test('rollback says from where to where, and goes further back each time', async t => {
  const { call, ids } = await threeBuilds(t)
  const first = await call(['rollback', 'app:1'])
  assert.match(
    first.stdout,
    new RegExp(`^app:1 rolled back\nfrom: ${ids[2]}\nto:   ${ids[1]} \\(since \\d{4}-.*\\)\n$`),
  )
  assert.equal((await call(['tags', 'rollback', '-q', 'app:1'])).stdout, `${ids[0]}\n`)
  const end = await call(['rollback', 'app:1'])
  assert.equal(end.code, 1)
  assert.match(end.stderr, /^ERROR: app:1 has pointed at nothing earlier than sha256:/)
  assert.equal((await call(['rollback', '-q', '--to', short(ids[2]), 'app:1'])).stdout, `${ids[2]}\n`)
  const { stdout } = await call(['tags', 'log', '--format', '{{.Why}} {{.To}} {{.State}}', 'app:1'])
  assert.ok(stdout.startsWith(`rollback ${short(ids[2])} current\nrollback ${short(ids[0])} here\n`), stdout)
})

test('rollback to a moment', async t => {
  const { call, ids } = await threeBuilds(t)
  const log = await call(['tags', 'log', '--no-trunc', '--format', '{{.At}}', 'app:1'])
  const newest = log.stdout.split('\n')[0] as string
  assert.equal((await call(['rollback', '-q', '--to', '0s', 'app:1'])).stdout, `${ids[2]}\n`)
  const before = new Date(Date.parse(newest) - 86_400_000).toISOString()
  const refused = await call(['rollback', '--to', before, 'app:1'])
  assert.match(refused.stderr, /^ERROR: app:1 was not there at .*\nhint: it was first seen at /)
})

test('rollback of what was pruned names it and leaves the tag', async t => {
  const { call, ids } = await threeBuilds(t)
  await call(['image', 'prune', '-f'])
  const { code, stderr } = await call(['rollback', 'app:1'])
  assert.equal(code, 1)
  assert.match(stderr, new RegExp(`^ERROR: cannot roll app:1 back to ${ids[1]}: its image was removed from the store`))
  assert.match(
    stderr,
    new RegExp(`hint: if it was pushed, get it back with shale pull docker.io/library/app@${ids[1]}`),
  )
  assert.equal((await call(['inspect', '--format', '{{.Id}}', 'app:1'])).stdout, `${ids[2]}\n`)
})

test('a tag without a history is an error', async t => {
  const call = await shale(t)
  for (const words of [
    ['tags', 'log', 'no:1'],
    ['rollback', 'no:1'],
  ]) {
    const { code, stderr } = await call(words)
    assert.equal(code, 1)
    assert.match(stderr, /^ERROR: the store has no history of no:1\n/)
  }
})
