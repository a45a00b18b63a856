// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are a Dockerfile's variables
import assert from 'node:assert/strict'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { sharedBench } from './cases.ts'

const bench = sharedBench()
const RANDOM = 'head -c 16 /dev/urandom | sha256sum'

test('only what a wildcard matches counts', async () => {
  const text = `FROM busybox AS b\nCOPY f* in/\nRUN ${RANDOM} > /u\nCOPY g in/\nFROM scratch\nCOPY --from=b /u /`
  const context = await bench().context({ f1: '1', f2: '2', g: 'g' })
  const unique = async () => (await bench().build(text, { context })).files.text('/u')
  const first = await unique()
  await writeFile(join(context, 'g'), 'other')
  assert.equal(await unique(), first)
  await writeFile(join(context, 'f2'), 'other')
  assert.notEqual(await unique(), first)
})

test('a renamed file with the same content is another input', async () => {
  const context = await bench().context({ file1: 'x' })
  const text = 'FROM busybox\nCOPY file* /f/\nRUN ls /f/file1'
  await bench().build(text, { context })
  await rename(join(context, 'file1'), join(context, 'file2'))
  const error = await bench().fails(text, { context })
  assert.equal(error.code, 'RUN_FAILED')
})

test('no-cache runs everything, a filter only the stages that it names', async () => {
  const context = await bench().context()
  const text = `FROM busybox AS a\nRUN ${RANDOM} > /u1\nFROM busybox AS b\nRUN ${RANDOM} > /u2\nFROM scratch\nCOPY --from=a /u1 /\nCOPY --from=b /u2 /`
  const uniques = async (options: object) => {
    const { files } = await bench().build(text, { context, ...options })
    return [await files.text('/u1'), await files.text('/u2')]
  }
  const first = await uniques({})
  assert.deepEqual(await uniques({}), first)
  const second = await uniques({ noCache: true })
  assert.notEqual(second[0], first[0])
  assert.notEqual(second[1], first[1])
  const latest = await uniques({})
  const third = await uniques({ noCacheFilter: ['B'] })
  assert.equal(third[0], latest[0])
  assert.notEqual(third[1], latest[1])
})

test('the same build under another name is the same image', async () => {
  const context = await bench().context({ f: 'F' })
  const text = 'FROM busybox\nENV a=b\nCOPY f /\nRUN echo x > y'
  const one = await bench().build(text, { context, tags: ['one'] })
  const two = await bench().build(text, { context, tags: ['two'] })
  assert.equal(two.imageId, one.imageId)
})

test('stages that copy from each other’s kin build again and again', async () => {
  const context = await bench().context({ h: 'hello' })
  const text = [
    'FROM alpine AS a',
    'RUN echo a > /f',
    'WORKDIR /w',
    'FROM a AS b',
    'COPY h .',
    'FROM a AS c',
    'COPY --from=b /w/h .',
    'RUN true',
    'FROM scratch',
    'COPY --from=c /f /f',
  ].join('\n')
  for (const options of [{}, {}, { noCache: true }, {}]) {
    const { files } = await bench().build(text, { context, ...options })
    assert.equal(await files.text('/f'), 'a\n')
  }
})
