import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { run } from '../../scripts/bases/process.ts'
import { fixtureTree } from '../support/fixture.ts'
import { type Shale, shale, tmp } from '../support/shale.ts'

const BIN = fileURLToPath(new URL('../../bin/shale', import.meta.url))

async function withImage(
  t: TestContext,
): Promise<{ readonly call: Shale; readonly id: string; readonly folder: string }> {
  const call = await shale(t)
  const folder = await tmp(t)
  // Does not compress, so that an archive is larger than what a pipe holds.
  const noise = Uint8Array.from({ length: 300_000 }, (_, at) => (Math.imul(at + 1, 2_654_435_761) >>> 13) & 0xff)
  await fixtureTree(join(folder, 'context'), { Dockerfile: 'FROM scratch\nCOPY a /\n', a: noise })
  const { stdout } = await call(['build', '-q', '-t', 'app:1', join(folder, 'context')])
  return { call, id: stdout.trim(), folder }
}

for (const format of ['docker-archive', 'oci-archive', 'oci-layout']) {
  test(`what save writes as ${format}, load reads`, async t => {
    const { call, id, folder } = await withImage(t)
    const output = join(folder, 'out')
    const saved = await call(['save', '--format', format, '-o', output, 'app:1'])
    assert.deepEqual(saved, { code: 0, stdout: '', stderr: '' })
    const other = await shale(t)
    const loaded = await other(['load', '-i', output])
    assert.equal(loaded.stdout, 'Loaded image: app:1\n', loaded.stderr)
    const layers = ['inspect', '-f', '{{json .RootFS.Layers}}', 'app:1']
    assert.equal((await other(layers)).stdout, (await call(layers)).stdout)
    // An OCI archive keeps the image ID; a docker-archive has plain layers, and so another manifest.
    const { stdout } = await other(['images', '-q', '--no-trunc'])
    assert.equal(stdout.trim() === id, format !== 'docker-archive')
    assert.deepEqual(
      (await readdir(folder)).filter(name => name.endsWith('.part')),
      [],
    )
  })
}

test('save and load into the same store: the image stays the same one', async t => {
  const { call, id, folder } = await withImage(t)
  const output = join(folder, 'out')
  await call(['save', '-o', output, 'app:1'])
  await call(['tag', 'app:1', 'kept:1'])
  await call(['rmi', 'app:1'])
  assert.equal((await call(['load', '-i', output])).stdout, 'Loaded image: app:1\n')
  assert.equal((await call(['images', '-q', '--no-trunc'])).stdout, `${id}\n${id}\n`)
})

for (const program of ['xz', 'bzip2']) {
  test(`load takes an archive in ${program}`, async t => {
    const { call, folder } = await withImage(t)
    const output = join(folder, 'out')
    await call(['save', '-o', output, 'app:1'])
    if ((await run(program, [output])).code !== 0) return t.diagnostic(`${program} is not installed`)
    const [packed = ''] = (await readdir(folder)).filter(name => name.startsWith('out.'))
    const loaded = await (await shale(t))(['load', '-i', join(folder, packed)])
    assert.deepEqual([loaded.stdout, loaded.stderr], ['Loaded image: app:1\n', ''])
  })
}

test('load reads the standard input', async t => {
  const { call, folder } = await withImage(t)
  await call(['save', '-o', join(folder, 'out'), 'app:1'])
  const input = await readFile(join(folder, 'out'))
  assert.equal((await (await shale(t))(['load', '-q'], { input })).stdout, 'Loaded image: app:1\n')
})

test('save into a folder that is not there names the folder, not the file that it writes first', async t => {
  const { call, folder } = await withImage(t)
  const { code, stderr } = await call(['save', '-o', join(folder, 'nowhere/out'), 'app:1'])
  assert.equal(code, 1)
  assert.match(stderr, /^ERROR: cannot write ".*\/nowhere\/out": the folder ".*\/nowhere" does not exist\nhint: /)
})

test('save and load: what cannot be', async t => {
  const { call, folder } = await withImage(t)
  const output = join(folder, 'out')
  await writeFile(output, 'precious')
  const missing = await call(['save', '-o', output, 'nothing'])
  assert.match(missing.stderr, /^ERROR: No such image: nothing/)
  assert.equal(await readFile(output, 'utf8'), 'precious')
  assert.match(
    (await call(['save', '--format', 'oci-layout', 'app:1'])).stderr,
    /an OCI layout is a folder: name it with -o/,
  )
  assert.equal((await call(['load', '-i', output])).code, 1)
  assert.equal((await call(['load', '-i', join(folder, 'none')])).code, 1)
})

test('a closed pipe ends quietly', async t => {
  const { call } = await withImage(t)
  const script = `{ "$0" "$1" --root "$2" save app:1; echo "$?" >&2; } | head -c 1 >/dev/null`
  const { stderr } = await run('sh', ['-c', script, process.execPath, BIN, call.root])
  assert.equal(stderr, '141\n')
})
