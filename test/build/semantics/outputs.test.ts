import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadArchive } from '../../../src/archive/load.ts'
import { runBuild } from '../../../src/build/build.ts'
import type { Output } from '../../../src/build/outputs/output.ts'
import { parsePlatform } from '../../../src/oci/platform.ts'
import { openStore } from '../../../src/store/open.ts'
import { type BenchOptions, noPull } from '../bench.ts'
import { sharedBench } from './cases.ts'

const bench = sharedBench()

async function build(dockerfileText: string, outputs: readonly Output[], options: BenchOptions = {}) {
  const context = options.context ?? (await bench().context())
  const services = { pull: noPull, helper: bench().helper }
  return runBuild(bench().store, { compression: 'none', ...options, context, dockerfileText, outputs }, services)
}

const platforms = (...names: readonly string[]) => names.map(parsePlatform)
const tarList = (path: string) => execFileSync('tar', ['-tf', path], { encoding: 'utf8' }).trim().split('\n')
/** Left-overs of writing. */
const hidden = (folder: string) => readdirSync(folder).filter(name => name.startsWith('.') || name.endsWith('.part'))

const FILES =
  'FROM busybox AS make\nRUN mkdir /o && echo run > /o/f && ln /o/f /o/g && chmod 750 /o/f\nFROM scratch\nCOPY foo /\nCOPY --from=make /o /o\n'

test('the files of the last stage: as a folder and as a tar, and nothing in the store', async () => {
  const context = await bench().context({ foo: 'data' })
  const folder = await bench().context()
  const [out, tar] = [join(folder, 'a/out'), join(folder, 'a/out.tar')]
  const before = bench().store.images.list().length
  const outcome = await build(
    FILES,
    [
      { type: 'local', folder: out },
      { type: 'tar', to: tar },
    ],
    { context },
  )
  assert.deepEqual([outcome.imageId, outcome.names, outcome.written], [undefined, [], [out, tar]])
  assert.equal(readFileSync(join(out, 'foo'), 'utf8'), 'data')
  assert.equal(readFileSync(join(out, 'o/g'), 'utf8'), 'run\n')
  assert.equal(statSync(join(out, 'o/f')).ino, statSync(join(out, 'o/g')).ino)
  assert.equal(statSync(join(out, 'o/f')).mode & 0o777, 0o750)
  assert.deepEqual(tarList(tar), ['foo', 'o/', 'o/f', 'o/g'])
  assert.equal(bench().store.images.list().length, before)
  assert.deepEqual(hidden(join(folder, 'a')), [])
})

test('a folder that is there keeps its other files; what would have to give way for a folder is named, and nothing moves', async () => {
  const context = await bench().context({ a: 'new', 'd/x': 'new', z: 'new' })
  const text = 'FROM scratch\nCOPY . /'
  const kept = await bench().context({ a: 'old', 'd/y': 'kept' })
  await build(text, [{ type: 'local', folder: kept }], { context })
  assert.equal(readFileSync(join(kept, 'a'), 'utf8'), 'new')
  assert.deepEqual(readdirSync(join(kept, 'd')).sort(), ['x', 'y'])
  for (const way of ['file', 'link'] as const) {
    const elsewhere = await bench().context()
    const blocked = await bench().context({ a: 'old' })
    if (way === 'file') writeFileSync(join(blocked, 'd'), '')
    else symlinkSync(elsewhere, join(blocked, 'd'))
    await assert.rejects(build(text, [{ type: 'local', folder: blocked }], { context }), { code: 'OUTPUT_CONFLICT' })
    assert.equal(readFileSync(join(blocked, 'a'), 'utf8'), 'old')
    assert.deepEqual([readdirSync(elsewhere), hidden(blocked)], [[], []])
  }
})

test('an output that cannot be written moves no tag', async () => {
  const folder = await bench().context({ file: '' })
  const outputs: Output[] = [
    { type: 'image', names: [] },
    { type: 'tar', to: join(folder, 'file/below/x.tar') },
  ]
  await assert.rejects(build('FROM scratch\nCOPY <<E /f\nE', outputs, { tags: ['never:1'] }), {
    code: 'OUTPUT_UNWRITABLE',
  })
  assert.equal(bench().store.images.getTag('docker.io/library/never:1'), undefined)
})

test('an earlier file stays when the new one cannot be made', async () => {
  const folder = await bench().context({ 'old.tar': 'old' })
  const to = join(folder, 'old.tar')
  await assert.rejects(
    build('FROM scratch\nCOPY <<E /f\nE', [{ type: 'docker', to, names: [] }], {
      platforms: platforms('amd64', 'arm64'),
    }),
    { code: 'OUTPUT_PLATFORMS' },
  )
  assert.equal(readFileSync(to, 'utf8'), 'old')
  assert.deepEqual(hidden(folder), [])
})

test('one folder for each platform, in folders and tars (testExportMultiPlatform, testTarExporterMulti)', async () => {
  const context = await bench().context({ 'arch-arm': 'a', 'arch-amd64': 'x', 'arch-s390x': 's', foo: '1', bar: '2' })
  const out = join(await bench().context(), 'out')
  const text =
    'FROM scratch\nARG TARGETARCH\nARG TARGETPLATFORM\nLABEL target=$TARGETPLATFORM\nCOPY arch-$TARGETARCH whoami'
  const three = platforms('windows/amd64', 'linux/arm', 'linux/s390x')
  await build(text, [{ type: 'local', folder: out }], { context, platforms: three })
  assert.deepEqual(readdirSync(out).sort(), ['linux_arm_v7', 'linux_s390x', 'windows_amd64'])
  assert.equal(readFileSync(join(out, 'linux_arm_v7/whoami'), 'utf8'), 'a')
  const stages =
    'FROM scratch AS stage-linux\nCOPY foo forlinux\nFROM scratch AS stage-darwin\nCOPY bar fordarwin\nFROM stage-$TARGETOS'
  const tar = join(out, 'multi.tar')
  const two = platforms('linux/amd64', 'darwin/amd64')
  await build(stages, [{ type: 'tar', to: tar }], { context, platforms: two })
  assert.deepEqual(tarList(tar), ['linux_amd64/forlinux', 'darwin_amd64/fordarwin'])
})

test('several platforms are an index, tagged as one image, with the label of each', async () => {
  const context = await bench().context({ foo: '1' })
  const text = 'FROM scratch\nARG TARGETPLATFORM\nLABEL target=$TARGETPLATFORM\nCOPY foo /'
  const asked = { context, tags: ['many:1'], platforms: platforms('linux/arm', 'linux/s390x') }
  const { imageId = 'sha256:' } = await build(text, [{ type: 'image', names: ['many:2'] }], asked)
  const { store } = bench()
  assert.equal(store.images.getTag('docker.io/library/many:2')?.digest, imageId)
  const index = await store.images.openIndex(imageId)
  assert.deepEqual(
    index?.manifests.map(({ platform }) => platform),
    [
      { os: 'linux', architecture: 'arm', variant: 'v7' },
      { os: 'linux', architecture: 's390x' },
    ],
  )
  const { config } = await store.images.open(imageId, parsePlatform('linux/arm'))
  assert.equal(config.config?.Labels?.target, 'linux/arm/v7')
  assert.equal(
    store.images.list().filter(image => index?.manifests.some(({ digest }) => digest === image.id)).length,
    0,
  )
  const again = await build(text, [{ type: 'image', names: [] }], asked)
  assert.deepEqual([again.imageId, again.ran, again.cached], [imageId, 0, 2])
})

test('what two platforms have in common runs once', async () => {
  const text = `FROM --platform=$BUILDPLATFORM busybox AS build
RUN head -c 100 /dev/urandom | sha256sum > /unique
FROM build AS cross
ARG TARGETARCH
RUN echo $TARGETARCH > /arch
FROM scratch
COPY --from=cross /unique /arch /
`
  const out = join(await bench().context(), 'out')
  const outcome = await build(text, [{ type: 'local', folder: out }], {
    platforms: platforms('linux/amd64', 'linux/arm64'),
  })
  const read = (platform: string, name: string) => readFileSync(join(out, platform, name), 'utf8')
  assert.equal(read('linux_amd64', 'unique'), read('linux_arm64', 'unique'))
  assert.deepEqual([read('linux_amd64', 'arch'), read('linux_arm64', 'arch')], ['amd64\n', 'arm64\n'])
  assert.equal(outcome.ran, 5)
})

test('an OCI archive, a layout and a docker-archive come back as the image that was built', async () => {
  const folder = await bench().context()
  const paths = { oci: join(folder, 'oci.tar'), layout: join(folder, 'layout'), docker: join(folder, 'docker.tar') }
  const outputs: readonly Output[] = [
    { type: 'oci', to: paths.oci, names: ['org/repo:tag1', 'org/repo:tag2'] },
    { type: 'oci-layout', folder: paths.layout, names: ['org/repo:tag1'] },
    { type: 'docker', to: paths.docker, names: ['org/repo:tag3'] },
  ]
  const { imageId } = await build('FROM scratch\nCOPY <<EOF /foo\nhello\nEOF', outputs)
  assert.equal(
    bench()
      .store.images.list()
      .some(({ id }) => id === imageId),
    false,
  )
  const index = JSON.parse(readFileSync(join(paths.layout, 'index.json'), 'utf8'))
  assert.equal(index.manifests[0].digest, imageId)
  assert.equal(index.manifests[0].annotations['io.containerd.image.name'], 'docker.io/org/repo:tag1')
  const other = openStore({ root: join(folder, 'store') })
  try {
    const [loaded] = await loadArchive(other, paths.oci)
    assert.deepEqual(loaded, { id: imageId, names: ['docker.io/org/repo:tag1', 'docker.io/org/repo:tag2'] })
    assert.equal((await loadArchive(other, paths.layout))[0]?.id, imageId)
    assert.deepEqual((await loadArchive(other, paths.docker))[0]?.names, ['docker.io/org/repo:tag3'])
  } finally {
    other.close()
  }
})

test('FROM scratch alone exports fine for two platforms (testMultiNilRefsOCIExporter)', async () => {
  const to = join(await bench().context(), 'oci.tar')
  await build('FROM scratch', [{ type: 'oci', to, names: [] }], { platforms: platforms('linux/arm64', 'linux/amd64') })
  assert.equal(tarList(to).filter(path => /blobs\/sha256\/./.test(path)).length, 5)
})

test('cacheonly keeps the steps and nothing else', async () => {
  const text = 'FROM scratch\nCOPY <<E /only-cache\nE'
  const outcome = await build(text, [{ type: 'cacheonly' }])
  assert.deepEqual([outcome.imageId, outcome.written, outcome.ran], [undefined, [], 1])
  assert.equal((await build(text, [{ type: 'cacheonly' }])).cached, 1)
})

test('an output folder may be given as a link', async () => {
  const folder = await bench().context()
  mkdirSync(join(folder, 'real'))
  symlinkSync('real', join(folder, 'link'))
  await build('FROM scratch\nCOPY <<E /f\nE', [{ type: 'local', folder: join(folder, 'link') }])
  assert.ok(existsSync(join(folder, 'real/f')))
})
