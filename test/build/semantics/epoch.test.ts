// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are a Dockerfile's variables
import assert from 'node:assert/strict'
import { utimesSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Bench, BenchOptions } from '../bench.ts'
import { failures, sharedBench } from './cases.ts'

const bench = sharedBench()
const FILE = 'FROM scratch\nENTRYPOINT foo bar\nCOPY f .'

async function times(b: Bench, dockerfile: string, options: BenchOptions = {}) {
  const context = await b.context({ f: 'F' })
  const { image, files } = await b.build(dockerfile, { context, ...options })
  const toc = files.layers[0] && (await b.store.layers.toc(files.layers[0]))
  const { created, history } = image.config
  const epoch = (text: string | undefined) => Math.floor(Date.parse(text ?? '') / 1000)
  return { created: epoch(created), history: history?.map(line => epoch(line.created)), file: toc?.entries[0]?.mtime }
}

test('the epoch as option sets every time', async () => {
  const sourceDateEpoch = 1_700_000_001
  assert.deepEqual(await times(bench(), FILE, { sourceDateEpoch }), {
    created: sourceDateEpoch,
    history: [sourceDateEpoch, sourceDateEpoch],
    file: sourceDateEpoch,
  })
})

test('the epoch as build argument, as default of a global ARG, and both', async () => {
  const global = `ARG SOURCE_DATE_EPOCH=1445412480\n${FILE}`
  const given = { buildArgs: { SOURCE_DATE_EPOCH: '1700000002' } }
  assert.equal((await times(bench(), FILE, given)).created, 1_700_000_002)
  assert.equal((await times(bench(), global)).file, 1_445_412_480)
  assert.equal((await times(bench(), global, given)).file, 1_700_000_002)
})

test('an empty build argument takes the default back', async () => {
  const global = `ARG SOURCE_DATE_EPOCH=1445412480\n${FILE}`
  const { created, file } = await times(bench(), global, { buildArgs: { SOURCE_DATE_EPOCH: '' } })
  assert.ok(created > 1_700_000_000)
  assert.notEqual(file, 1_445_412_480)
})

test('a folder has no time to give as the epoch', async () => {
  const { created } = await times(bench(), FILE, { buildArgs: { SOURCE_DATE_EPOCH: 'context' } })
  assert.ok(created > 1_700_000_000)
})

test('the epoch reaches RUN through ARG', async () => {
  const text = 'FROM busybox\nARG SOURCE_DATE_EPOCH\nRUN echo -n $SOURCE_DATE_EPOCH > /e'
  const { files } = await bench().build(text, { buildArgs: { SOURCE_DATE_EPOCH: '1700000002' } })
  assert.equal(await files.text('/e'), '1700000002')
})

test('a build with WORKDIR repeats its digest from nothing', async () => {
  const options = { sourceDateEpoch: 1_700_000_000, noCache: true }
  const first = await bench().build('FROM alpine\nWORKDIR /made\nRUN touch x', options)
  const second = await bench().build('FROM alpine\nWORKDIR /made\nRUN touch x', options)
  assert.equal(second.imageId, first.imageId)
})

test('without an epoch files keep their times', async () => {
  const context = await bench().context({ f: 'of its own' })
  utimesSync(join(context, 'f'), 1_500_000_000, 1_500_000_000)
  const { files } = await bench().build('FROM scratch\nCOPY f /', { context })
  const layer = files.layers[0] ?? assert.fail()
  assert.equal((await bench().store.layers.toc(layer)).entries[0]?.mtime, 1_500_000_000)
})

failures(bench, [
  {
    title: 'an epoch that is no number',
    dockerfile: 'ARG SOURCE_DATE_EPOCH=not-a-time\nFROM scratch\nCOPY f .',
    context: { f: '' },
    message: /invalid SOURCE_DATE_EPOCH: not-a-time/,
  },
  {
    title: 'an epoch from a stage that copies',
    dockerfile: 'ARG SOURCE_DATE_EPOCH=src\nFROM scratch AS src\nCOPY f /f\nFROM scratch',
    context: { f: '' },
    message: /SOURCE_DATE_EPOCH stage does not meet source-only requirements: unsupported COPY instruction/,
    lines: [3, 3],
  },
  {
    title: 'an epoch from a stage that has a base',
    dockerfile: 'ARG SOURCE_DATE_EPOCH=src\nFROM busybox AS src\nFROM scratch',
    message: /SOURCE_DATE_EPOCH stage must use FROM scratch/,
    lines: [2, 2],
  },
])
