import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { fixtureTree } from '../support/fixture.ts'
import { shale, tmp } from '../support/shale.ts'

const DOCKERFILE = `FROM scratch
COPY first /
ENV unused=1
COPY second /
`

async function image(t: Parameters<typeof shale>[0]) {
  const call = await shale(t)
  const folder = await fixtureTree(await tmp(t), {
    Dockerfile: DOCKERFILE,
    'first/app/main': 'x'.repeat(60_000),
    'first/app/copy': 'y'.repeat(20_000),
    'first/app/again': 'y'.repeat(20_000),
    'first/root/.npm/_cacache/x': 'z'.repeat(9000),
    'second/app/main': 'X'.repeat(50_000),
    'budget.yaml': 'maxSize: 1MB\nmaxWasted: 10kB\nminEfficiency: 0.99\n',
    'wide.yaml': 'maxSize: 1MB\nmaxLayer: 1MB\n',
  })
  const built = await call(['build', '-q', '-t', 'app', folder])
  assert.equal(built.code, 0, built.stderr)
  return { call, folder }
}

const TEXT = `159kB in 2 layers, 4 files
99kB of it can be seen, 60kB is wasted: efficiency 62.2 %

LAYER     SIZE      PART      FILES     WASTED    LINE
0         109kB     69 %      4         60kB      COPY first /
1         50kB      31 %      1                   COPY second /

Wasted:
  60kB      overwritten   layer 0 by 1   /app/main

The same content:
  20kB      2 times   /app/again /app/copy

Hardly needed:
  9kB       npm cache   RUN --mount=type=cache,target=/root/.npm
`

test('size tells lines, waste, duplicates and caches; --tree the directories', async t => {
  const { call } = await image(t)
  assert.equal((await call(['size', 'app'])).stdout, TEXT)
  assert.equal((await call(['image', 'size', 'app'])).stdout, TEXT)
  const { stdout: tree } = await call(['size', '--tree', '--depth', '1', 'app'])
  assert.equal(tree, '    99kB  /  (4 files)\n    90kB    app/  (3 files)\n     9kB    root/  (1 file)\n')
  const { stdout: layer } = await call(['size', '--layer', '1', '--depth', '9', 'app'])
  assert.equal(layer, '    50kB  /  (1 file)\n    50kB    app/  (1 file)\n    50kB      main\n')
  const none = await call(['size', '--layer', '2', 'app'])
  assert.match(none.stderr, /^ERROR: the image has no layer 2: it has 2, the lowest is 0/)
})

test('size --format json has everything', async t => {
  const { call } = await image(t)
  const report = JSON.parse((await call(['size', '--format', 'json', 'app'])).stdout)
  assert.deepEqual([report.bytes, report.visible, report.wasted, report.files], [159_000, 99_000, 60_000, 4])
  assert.deepEqual(
    report.lines.map((line: { readonly createdBy: string; readonly bytes: number }) => [line.createdBy, line.bytes]),
    [
      ['COPY first /', 109_000],
      ['ENV unused=1', 0],
      ['COPY second /', 50_000],
    ],
  )
})

test('size --ci exits with 1 and names what is over its budget', async t => {
  const { call, folder } = await image(t)
  const over = await call(['size', '--ci', join(folder, 'budget.yaml'), 'app'])
  assert.equal(over.code, 1)
  const lines =
    'Over budget: maxWasted: 60kB, allowed at most 10kB\nOver budget: minEfficiency: 62.2 %, allowed at least 99 %\n'
  assert.equal(over.stderr, lines)
  const json = await call(['size', '--ci', join(folder, 'budget.yaml'), '--format', 'json', 'app'])
  assert.deepEqual(
    JSON.parse(json.stdout).excesses.map((one: { readonly bound: string }) => one.bound),
    ['maxWasted', 'minEfficiency'],
  )
  assert.equal((await call(['size', '--ci', join(folder, 'wide.yaml'), 'app'])).code, 0)
  const missing = await call(['size', '--ci', join(folder, 'none.yaml'), 'app'])
  assert.match(missing.stderr, /^ERROR: open ".*none\.yaml": no such file or folder/)
})
