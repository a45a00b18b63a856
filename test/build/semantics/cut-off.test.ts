import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Built } from '../bench.ts'
import { sharedBench } from './cases.ts'

const bench = sharedBench()

/** What became of the steps whose names hold a `RUN` or `COPY`, in their order. */
function statuses({ steps }: Built): readonly string[] {
  return steps.filter(({ name }) => /\] (?:RUN|COPY)/.test(name)).map(({ status }) => status)
}

test('a step that makes what it made before is the last that runs', async () => {
  const text = (command: string) => `FROM busybox\nRUN ${command} > /a\nRUN cat /a /etc/hostname > /b\nRUN cat /b > /c`
  assert.deepEqual(statuses(await bench().build(text('echo 1'))), ['ran', 'ran', 'ran'])
  assert.deepEqual(statuses(await bench().build(text('echo $((3 - 2))'))), ['ran', 'cached', 'cached'])
  assert.deepEqual(statuses(await bench().build(text('echo 2'))), ['ran', 'ran', 'ran'])
})

test('a stage that makes what it made before runs nothing in the stages that copy from it', async () => {
  const text =
    'FROM busybox AS make\nCOPY main.c /\nRUN grep -v "^//" /main.c > /out\n' +
    'FROM busybox\nCOPY --from=make /out /out\nRUN cat /out > /again'
  const build = async (source: string) => {
    const context = await bench().context({ 'main.c': source })
    return statuses(await bench().build(text, { context }))
  }
  assert.deepEqual(await build('int x;\n'), ['ran', 'ran', 'ran', 'ran'])
  assert.deepEqual(await build('// a comment\nint x;\n'), ['ran', 'ran', 'cached', 'cached'])
})

test('a changed grandparent is not hidden by a parent that makes the same', async () => {
  const text = (value: string) =>
    `FROM busybox\nRUN echo ${value} > /grandparent\nRUN echo same > /parent\nRUN cat /grandparent /parent > /child`
  const build = async (value: string) => {
    const built = await bench().build(text(value))
    return { statuses: statuses(built), child: await built.files.text('/child') }
  }
  assert.deepEqual(await build('old'), { statuses: ['ran', 'ran', 'ran'], child: 'old\nsame\n' })
  assert.deepEqual(await build('new'), { statuses: ['ran', 'ran', 'ran'], child: 'new\nsame\n' })
  // Each chain has its own records, and both are still there.
  assert.deepEqual(await build('old'), { statuses: ['cached', 'cached', 'cached'], child: 'old\nsame\n' })
  assert.deepEqual(await build('new'), { statuses: ['cached', 'cached', 'cached'], child: 'new\nsame\n' })
})

test('a changed base is not hidden by a parent that makes the same', async () => {
  const child = 'RUN echo same > /parent\nRUN cat /kind /parent > /child'
  for (const kind of ['first', 'second']) {
    await bench().build(`FROM busybox\nRUN echo ${kind} > /kind`, { tags: ['moving'] })
    const built = await bench().build(`FROM moving\n${child}`)
    assert.deepEqual(statuses(built), ['ran', 'ran'], kind)
    assert.equal(await built.files.text('/child'), `${kind}\nsame\n`)
  }
})

test('the same layers in another order are another chain', async () => {
  const text = (first: string, second: string) =>
    `FROM busybox\nCOPY ${first} /f\nCOPY ${second} /f\nRUN cat /f > /winner`
  const context = await bench().context({ a: 'a', b: 'b' })
  const winner = async (first: string, second: string) =>
    (await bench().build(text(first, second), { context })).files.text('/winner')
  assert.equal(await winner('a', 'b'), 'b')
  assert.equal(await winner('b', 'a'), 'a')
})

test('the same files under other variables are no reason to skip a step', async () => {
  const text = (value: string) => `FROM busybox\nENV V=${value}\nRUN echo same > /parent\nRUN echo $V > /child`
  assert.equal(await (await bench().build(text('1'))).files.text('/child'), '1\n')
  const second = await bench().build(text('2'))
  assert.deepEqual(statuses(second), ['ran', 'ran'])
  assert.equal(await second.files.text('/child'), '2\n')
})
