import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { BuildEvent } from '../../src/build/events.ts'
import { openImage, openStore } from '../../src/index.ts'
import { fromByteString } from '../../src/layer/entry.ts'
import { busyboxRootfs } from '../support/busybox.ts'
import { fixtureTree } from '../support/fixture.ts'
import { shale, tmp } from '../support/shale.ts'
import { failures, sharedBench } from './semantics/cases.ts'

const bench = sharedBench()

failures(bench, [
  {
    title: 'a missing COPY source names the file that is most like it',
    dockerfile: 'FROM scratch\nCOPY src/mian.js /',
    context: { 'src/main.js': '', 'src/other.css': '' },
    message: /"\/src\/mian\.js": not found in the build context/,
    hint: /src\/main\.js/,
    lines: [2, 2],
  },
  {
    title: 'a missing COPY source that is elsewhere names the place',
    dockerfile: 'FROM scratch\nCOPY main.js /',
    context: { 'deep/er/main.js': '' },
    message: /"\/main\.js": not found/,
    hint: /deep\/er\/main\.js/,
    lines: [2, 2],
  },
  {
    title: 'a COPY source that .dockerignore excludes names the line',
    dockerfile: 'FROM scratch\nCOPY \\\n  dist/app /app',
    context: { 'dist/app': '', '.dockerignore': '# built\n*.log\ndist\n' },
    message: /"\/dist\/app": not found/,
    hint: /^dist\/app exists, but line 3 of \.dockerignore excludes it: dist$/,
    lines: [2, 3],
  },
])

test('a failing RUN tells command, exit code and lines', async () => {
  const events: BuildEvent[] = []
  const text = 'FROM busybox\nRUN true\nRUN echo one && \\\n  exit 42\nRUN echo never'
  const error = await bench().fails(text, { onEvent: event => events.push(event) })
  assert.match(error.message, /echo one/)
  assert.match(error.message, /\b42\b/)
  assert.deepEqual([error.source?.range.start.line, error.source?.range.end.line], [3, 4])
  assert.equal(error.source?.text, text)
  const finished = events.filter(event => event.type === 'step-finished')
  const failed = finished.filter(({ status }) => status === 'failed')
  assert.deepEqual(
    failed.map(({ exitCode }) => exitCode),
    [42],
  )
  assert.equal(events.filter(({ type }) => type === 'finished').length, 0)
})

test('aborting ends a running command, its children and its temporary folder', async () => {
  const { store } = bench()
  const before = readdirSync(store.tempDir)
  const abort = new AbortController()
  const seconds = String(100_000_000 + process.pid)
  let abortedAt = 0
  const onEvent = (event: BuildEvent) => {
    if (event.type !== 'step-output' || !Buffer.from(event.data).includes('ready')) return
    abortedAt = Date.now()
    assert.equal(processesWith(seconds).length > 0, true)
    abort.abort()
  }
  const text = `FROM busybox\nRUN sleep ${seconds} & setsid sleep ${seconds} & echo ready; wait`
  await assert.rejects(bench().build(text, { signal: abort.signal, onEvent }))
  assert.notEqual(abortedAt, 0, 'the command said that it runs')
  assert.ok(Date.now() - abortedAt < 5000, 'the build ends at once')
  assert.deepEqual(processesWith(seconds), [])
  assert.deepEqual(readdirSync(store.tempDir), before)
})

/** Command lines of living processes that hold this text, but not this process. */
function processesWith(text: string): readonly string[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(commandLine)
    .filter(line => line.includes(text))
}

function commandLine(id: string): string {
  try {
    return readFileSync(`/proc/${id}/cmdline`, 'latin1').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

test('127 layers build, and a RUN sees all of them', async () => {
  const copies = Array.from({ length: 125 }, (_, at) => `COPY <<EOF /f/${at}\n${at}\nEOF`)
  const text = ['FROM busybox', ...copies, 'RUN cat /f/* | wc -l > /count'].join('\n')
  const built = await bench().build(text)
  assert.equal(built.files.layers.length, 127)
  assert.equal(await built.files.text('/count'), '125\n')
  const above = await bench().build(`${text}\nRUN cat /f/124 /count > /above`)
  assert.equal(await above.files.text('/above'), '124\n125\n')
  assert.equal(above.ran, 1)
})

test('stages that do not need each other run at the same time', async () => {
  const bothRun = new AbortController()
  const ready = new Set<number>()
  const onEvent = (event: BuildEvent) => {
    if (event.type === 'step-output') ready.add(event.id)
    if (ready.size === 2) bothRun.abort()
  }
  const stages = ['a', 'b'].map(name => `FROM busybox AS ${name}\nRUN echo ${name}; sleep 1000`)
  const text = [...stages, 'FROM scratch', 'COPY --from=a /a /', 'COPY --from=b /b /'].join('\n')
  const signal = AbortSignal.any([bothRun.signal, AbortSignal.timeout(20_000)])
  await assert.rejects(bench().build(text, { parallelism: 2, signal, onEvent }))
  assert.equal(ready.size, 2)
})

test('FROM scratch alone is an image without layers', async () => {
  const built = await bench().build('FROM scratch\nLABEL a=b', { tags: ['empty'] })
  assert.deepEqual(built.image.config.rootfs.diff_ids, [])
  assert.deepEqual(built.image.manifest.layers, [])
  const opened = await openImage(bench().store, 'empty')
  assert.equal(opened.image.config.config?.Labels?.a, 'b')
})

test('a build of nothing new repeats the image ID', async () => {
  const context = await bench().context({ a: 'A' })
  const text = 'FROM busybox\nCOPY a /a\nRUN cat /a > /b\nWORKDIR /w'
  const first = await bench().build(text, { context })
  const second = await bench().build(text, { context })
  assert.deepEqual([first.ran > 0, second.ran], [true, 0])
  assert.equal(second.imageId, first.imageId)
})

test('what RUN gets mounted is in no layer', async () => {
  const looks =
    'cat /etc/resolv.conf /etc/hosts /etc/hostname; ls /proc /dev /sys; echo > /dev/null; echo > /dev/shm/x; echo 1.2.3.4 x >> /etc/hosts'
  await bench().build(`FROM busybox\nRUN { ${looks}; } > /seen 2>&1`, { tags: ['looked'] })
  const { layers } = await openImage(bench().store, 'looked')
  const last = layers.at(-1) ?? assert.fail('no layer')
  const paths = (await bench().store.layers.toc(last)).entries.map(({ path }) => fromByteString(path))
  assert.deepEqual(
    paths.filter(path => path !== ''),
    ['seen'],
  )
})

test('a base without /etc, /proc, /dev and /sys gets none of them from RUN', async () => {
  const { files } = await bench().build(
    'FROM busybox AS tools\nFROM scratch\nCOPY --from=tools /bin/busybox /bin/sh\nRUN echo x > /made',
  )
  assert.deepEqual([files.list('/'), files.list('/bin')], [['bin', 'made'], ['sh']])
})

test('two processes that build the same project at once get the same layers', { timeout: 60_000 }, async t => {
  const call = await shale(t)
  const context = await busyboxProject(await tmp(t), 1_600_000_000)
  const epoch = { SOURCE_DATE_EPOCH: '1700000000' }
  const build = (name: string) => call(['build', '-q', '-t', name, context], { env: epoch })
  const outcomes = await Promise.all([build('one'), build('two')])
  for (const { code, stderr } of outcomes) assert.equal(code, 0, stderr)
  const store = openStore({ root: call.root })
  try {
    const [one, two] = await Promise.all([openImage(store, 'one'), openImage(store, 'two')])
    assert.equal(one.image.config.rootfs.diff_ids.length, 3)
    assert.deepEqual(one.image.config.rootfs.diff_ids, two.image.config.rootfs.diff_ids)
  } finally {
    store.close()
  }
})

test('SOURCE_DATE_EPOCH gives one image ID in any store and from any folder', { timeout: 60_000 }, async t => {
  const ids: string[] = []
  for (const mtime of [1_600_000_000, 1_900_000_000]) {
    const call = await shale(t)
    const context = await busyboxProject(await tmp(t), mtime)
    const { code, stdout, stderr } = await call(['build', '-q', context], { env: { SOURCE_DATE_EPOCH: '1500000000' } })
    assert.equal(code, 0, stderr)
    ids.push(stdout.trim())
  }
  assert.match(ids[0] ?? '', /^sha256:[0-9a-f]{64}$/)
  assert.equal(ids[0], ids[1])
})

/** A project that needs no base image: busybox alone and a file. */
async function busyboxProject(folder: string, mtime: number): Promise<string> {
  const busybox = readFileSync(join(await busyboxRootfs(), 'bin/busybox'))
  await fixtureTree(folder, {
    Dockerfile: 'FROM scratch\nCOPY bin /bin\nCOPY src /src\nRUN cat /src/* > /all; mkdir /d; echo x > /d/x',
    'bin/sh': { content: busybox, mode: 0o755, mtime },
    'src/a': { content: 'A', mtime },
    'src/b': { content: 'B', mtime: mtime + 1 },
  })
  for (const path of ['bin', 'src', '.']) await utimes(join(folder, path), mtime, mtime)
  return folder
}
