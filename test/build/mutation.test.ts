import assert from 'node:assert/strict'
import { chown, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { CONTEXT_ROWS } from './mutation-context.ts'
import { COPY_ROWS } from './mutation-copy.ts'
import { OPTION_ROWS } from './mutation-options.ts'
import { DOCKERFILE, FILES } from './mutation-row.ts'
import { RUN_ROWS } from './mutation-run.ts'
import { secondBuild, whatRan } from './mutation-second.ts'
import { STEP_ROWS } from './mutation-steps.ts'
import { sharedBench } from './semantics/cases.ts'

const bench = sharedBench()

for (const row of [...CONTEXT_ROWS, ...RUN_ROWS, ...STEP_ROWS, ...COPY_ROWS, ...OPTION_ROWS]) {
  const { change, runs } = row
  test(`${change} → ${runs.length === 0 ? 'everything is cached' : `${runs.length} run`}`, async () => {
    assert.deepEqual(await secondBuild(bench(), row), runs)
  })
}

test('owner of the checkout does not count', async t => {
  if (process.getuid?.() !== 0) {
    t.diagnostic('needs root to change owners')
    return
  }
  const at = bench()
  await at.build('FROM busybox', { tags: ['base'] })
  const context = await at.context(FILES)
  await at.build(DOCKERFILE, { context })
  for (const name of ['src', 'src/a', 'src/b', 'late']) await chown(join(context, name), 1234, 1234)
  assert.deepEqual(whatRan(await at.build(DOCKERFILE, { context })), [])
})

test('the same files in another folder are known', async () => {
  const at = bench()
  await at.build('FROM busybox', { tags: ['base'] })
  await at.build(DOCKERFILE, { context: await at.context(FILES) })
  assert.deepEqual(whatRan(await at.build(DOCKERFILE, { context: await at.context(FILES) })), [])
})

test('the first build says so', async () => {
  const at = bench()
  assert.deepEqual(whatRan(await at.build('FROM busybox\nRUN echo first-of-all > /f')), [
    'RUN echo first-of-all > /f <- first-time: first build here',
  ])
})

test('a layer whose every form is gone is made anew, and says so', async () => {
  const at = bench()
  const context = await at.context()
  const text = 'FROM busybox\nRUN echo lost-and-found > /lost'
  const { files } = await at.build(text, { context })
  const layer = files.layers.at(-1) ?? assert.fail()
  for (const { digest } of layer.blobs) await rm(at.store.blobs.path(digest), { force: true })
  const tree = at.store.trees.find(layer.tocDigest)
  if (tree !== undefined) await rm(tree, { recursive: true, force: true })
  const again = await at.build(text, { context })
  assert.deepEqual(whatRan(again), [
    'RUN echo lost-and-found > /lost <- cache-dropped: the cached files of this step were removed',
  ])
  assert.equal(await again.files.text('/lost'), 'lost-and-found\n')
})

test('equal output of a changed step stops the invalidation there', async () => {
  const at = bench()
  const context = await at.context()
  const text = (how: string) => `FROM busybox\nRUN ${how} > /f\nRUN cat /f /f > /ff\nRUN cat /ff > /fff`
  await at.build(text('echo x'), { context })
  const again = await at.build(text('printf "x\\n"'), { context })
  assert.equal(again.cached, 3)
  assert.deepEqual(whatRan(again), [
    'RUN printf "x\\n" > /f <- instruction-changed: command changed from echo x > /f to printf "x\\n" > /f',
  ])
})

test('--explain lists every difference', async () => {
  const at = bench()
  const context = await at.context({ a: 'A', b: 'B', c: 'C' })
  await at.build('FROM busybox\nENV X=1 Y=2\nCOPY . /d/\nRUN ls /d > /list', { context })
  const { steps } = await at.build('FROM busybox\nENV X=2 Z=3\nCOPY --chmod=600 . /d/\nRUN ls -l /d > /list', {
    context,
  })
  const details = steps.filter(({ status }) => status === 'ran').flatMap(({ reason }) => reason?.details ?? [])
  assert.deepEqual(
    details.filter(line => !line.startsWith('parent changed from sha256:')),
    [
      'instruction was: COPY . /d/',
      '/d changed (mode 0755 became 0600)',
      'a changed (mode 0644 became 0600)',
      'b changed (mode 0644 became 0600)',
      'c changed (mode 0644 became 0600)',
      'instruction was: RUN ls /d > /list',
      'command changed from ls /d > /list to ls -l /d > /list',
      'env X changed from 1 to 2',
      'env Z is new: 3',
      'env Y is gone, was 2',
    ],
  )
})
