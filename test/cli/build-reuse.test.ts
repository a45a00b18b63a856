import assert from 'node:assert/strict'
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fixtureTree } from '../support/fixture.ts'
import { shale, tmp } from '../support/shale.ts'

const FILES = Object.fromEntries(
  Array.from({ length: 40 }, (_, i) => [`file-${i}`, `${i} `.repeat(10_000 + 700 * i)] as const),
)

/** Changes a byte in the first frame of every large blob. */
function damageLayers(root: string): void {
  const folder = join(root, 'blobs/sha256')
  const large = readdirSync(folder)
    .map(name => join(folder, name))
    .filter(path => statSync(path).size > 2000)
  assert.equal(large.length, 2)
  for (const path of large) {
    const bytes = readFileSync(path)
    bytes[100] = (bytes[100] ?? 0) ^ 1
    chmodSync(path, 0o600)
    writeFileSync(path, bytes)
  }
}

test('build: a changed file in a layer of several frames, also when the last blob is damaged', async t => {
  const root = join(await tmp(t), 'store')
  const call = await shale(t)
  const on = (args: readonly string[], store = root) => call(args, { env: { SHALE_ROOT: store } })
  const folder = await fixtureTree(await tmp(t), { Dockerfile: 'FROM scratch\nCOPY . /', ...FILES })
  const layer = async () => {
    const id = (await on(['build', '-q', folder])).stdout.trim()
    const { stdout } = await on(['inspect', '-f', '{{index .RootFS.Layers 0}}', id])
    return stdout.trim()
  }
  const first = await layer()
  await writeFile(join(folder, 'file-39'), 'changed')
  const second = await layer()
  assert.notEqual(second, first)
  damageLayers(root)
  await writeFile(join(folder, 'file-39'), 'changed again')
  const third = await layer()
  const elsewhere = join(await tmp(t), 'store')
  const id = (await on(['build', '-q', folder], elsewhere)).stdout.trim()
  const fresh = await on(['inspect', '-f', '{{index .RootFS.Layers 0}}', id], elsewhere)
  assert.equal(third, fresh.stdout.trim())
})
