import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { mustRun } from '../../scripts/bases/process.ts'
import { fixtureTree } from '../support/fixture.ts'
import { tmp } from '../support/shale.ts'

const EXAMPLE = join(import.meta.dirname, '../../examples/library/inspect.ts')

test('the library example builds, explains and reads', async t => {
  const dockerfile = 'FROM scratch\nCOPY greeting /\nLABEL a=b\n'
  const context = await fixtureTree(await tmp(t), { Dockerfile: dockerfile, greeting: 'hello\n' })
  const root = join(await tmp(t, 'root'), 'store')
  const first = await mustRun(process.execPath, [EXAMPLE, context, root, '/greeting'])
  assert.match(first, /ran +\[.*COPY greeting \/: first build here\n/)
  assert.match(first, /image sha256:[0-9a-f]{64} has 1 layers\nhello\n$/)
  const second = await mustRun(process.execPath, [EXAMPLE, context, root, '/greeting'])
  assert.match(second, /cached +\[.*COPY greeting \/: same inputs as on/)
})
