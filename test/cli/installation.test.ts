import assert from 'node:assert/strict'
import { cp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { run } from '../../scripts/bases/process.ts'
import { tmp } from '../support/shale.ts'

const BIN = fileURLToPath(new URL('../../bin', import.meta.url))
const SRC = fileURLToPath(new URL('../../src', import.meta.url))

/** As an old Node would come to it: no version is old enough for this one to be tried with. */
const AS_OLD = "require('./bin/newer-node.js')(999, require('path').resolve('bin/shale'))"

test('an old Node and no packages: a checkout is told of npm ci, an installation of a newer Node', async t => {
  const folder = await tmp(t)
  await cp(BIN, join(folder, 'bin'), { recursive: true })
  const installed = await run(process.execPath, ['-e', AS_OLD], { cwd: folder })
  assert.equal(installed.code, 1)
  assert.match(installed.stderr, /^shale: needs Node\.js 999 or newer, but this is v/)
  assert.match(installed.stderr, /\nhint: install a current Node\.js, or run npm install node beside shale/)
  await writeFile(join(folder, 'package-lock.json'), '{}')
  const checkout = await run(process.execPath, ['-e', AS_OLD], { cwd: folder })
  assert.ok(checkout.stderr.includes(`\nhint: run npm ci in ${folder}: it installs a newer Node.js`), checkout.stderr)
})

test('a checkout without its packages is told of npm ci', async t => {
  const folder = await tmp(t)
  for (const [from, name] of [
    [BIN, 'bin'],
    [SRC, 'src'],
  ] as const) {
    await cp(from, join(folder, name), { recursive: true })
  }
  await writeFile(join(folder, 'package.json'), '{ "type": "module", "version": "0.0.0" }')
  const { code, stderr } = await run(process.execPath, [join(folder, 'bin/shale'), '--root', folder, 'images'])
  assert.equal(code, 1)
  assert.match(
    stderr,
    /^ERROR: Shale is not installed whole: Cannot find package '\w+'\nhint: in a checkout run npm ci;/,
  )
})
