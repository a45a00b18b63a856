import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { saveLayout } from '../../../src/archive/save.ts'
import { type FileServer, fileServer } from '../../support/file-server.ts'
import { commitAll, committed, git } from '../../support/git.ts'
import { compressed, type Member, tarOf } from '../archives.ts'
import { sharedBench } from './cases.ts'

const bench = sharedBench()
let server: FileServer

before(async () => {
  server = await fileServer()
})
after(() => server.close())

const FILES: readonly Member[] = [
  { path: 'Dockerfile', content: 'FROM scratch\nCOPY . /\n' },
  { path: 'foo', content: 'contents' },
  { path: 'run.sh', content: '#!/bin/sh', mode: 0o755 },
  { path: 'link', symlink: '/etc/passwd' },
  { path: '.dockerignore', content: 'Dockerfile\n.dockerignore\nleft-out\n' },
  { path: 'left-out', content: '' },
]

async function* streamOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  // In small pieces, as a pipe may give them.
  for (let at = 0; at < bytes.byteLength; at += 100) yield bytes.subarray(at, at + 100)
}

const run = (options: {
  context?: string
  bytes?: Uint8Array
  dockerfile?: string
  contexts?: Record<string, string>
}) => {
  const { context = '-', bytes, ...rest } = options
  return bench().run({ context, contextBytes: bytes && streamOf(bytes), compression: 'none', ...rest })
}

/** What is left over of a build's own folders. */
const leftovers = () => readdirSync(bench().store.tempDir).filter(name => name.includes('-build-'))

const FORMS: Readonly<Record<string, Uint8Array | undefined>> = {
  plain: tarOf(FILES),
  gzip: gzipSync(tarOf(FILES)),
  zstd: zstdCompressSync(tarOf(FILES)),
  bzip2: compressed('bzip2', tarOf(FILES)),
  xz: compressed('xz', tarOf(FILES)),
}

for (const [form, bytes] of Object.entries(FORMS)) {
  if (bytes === undefined) {
    console.log(`contexts in ${form}: not tested, this machine has no ${form}`)
    continue
  }
  test(`a context is an archive: ${form}, from the standard input, a file, an address`, async () => {
    const file = join(await bench().context({ archive: bytes }), 'archive')
    server.files.set('/archive', { content: bytes })
    for (const built of [
      await run({ bytes }),
      await run({ context: file }),
      await run({ context: `${server.url}/archive` }),
    ]) {
      assert.deepEqual(built.files.list('/'), ['foo', 'link', 'run.sh'])
      assert.equal(await built.files.text('/foo'), 'contents')
      assert.equal(built.files.describe('/run.sh'), 'file 0755 0:0')
      assert.equal(built.files.describe('/link'), 'symlink /etc/passwd')
    }
    assert.deepEqual(leftovers(), [])
  })
}

test('the same archive twice: the second build runs nothing, wherever it was unpacked', async () => {
  const bytes = tarOf([
    { path: 'Dockerfile', content: 'FROM scratch\nCOPY f /twice\n' },
    { path: 'f', content: 'twice' },
  ])
  const first = await run({ bytes })
  const second = await run({ bytes })
  assert.deepEqual([first.ran, second.ran, second.cached], [1, 0, 1])
  assert.equal(second.imageId, first.imageId)
})

test('an address or the standard input may be the Dockerfile itself', async () => {
  const text = 'FROM scratch\nCOPY <<EOF /foo\nhere\nEOF\n'
  server.files.set('/any.name', { content: text })
  assert.equal(await (await run({ context: `${server.url}/any.name` })).files.text('/foo'), 'here\n')
  assert.equal(await (await run({ bytes: Buffer.from(text) })).files.text('/foo'), 'here\n')
  const copies = run({ bytes: Buffer.from('FROM scratch\nCOPY foo /\n') })
  await assert.rejects(copies, { code: 'COPY_SOURCE_NOT_FOUND', message: /the build context is empty/ })
})

test('a Dockerfile of an archive may have another name, and a missing one is told', async () => {
  const bytes = tarOf([
    { path: 'sub/Dockerfile.x', content: 'FROM scratch\nCOPY foo bar\n' },
    { path: 'foo', content: 'f' },
  ])
  assert.equal(await (await run({ bytes, dockerfile: 'sub/Dockerfile.x' })).files.text('/bar'), 'f')
  await assert.rejects(run({ bytes }), { code: 'DOCKERFILE_NOT_FOUND', message: /standard input has no Dockerfile$/ })
})

const HOSTILE: Readonly<Record<string, readonly [members: readonly Member[], code: string]>> = {
  'a member above the root': [[{ path: '../evil', content: 'x' }], 'TAR_PATH_ESCAPES'],
  'a Dockerfile that is a link to this machine’s files': [
    [{ path: 'Dockerfile', symlink: '/etc/hostname' }],
    'PATH_ESCAPES',
  ],
  'a .dockerignore that is a link to this machine’s files': [
    [
      { path: 'Dockerfile', content: 'FROM scratch' },
      { path: '.dockerignore', symlink: '/etc/hostname' },
    ],
    'PATH_ESCAPES',
  ],
}

for (const [title, [members, code]] of Object.entries(HOSTILE)) {
  test(`refused: ${title}`, async () => {
    await assert.rejects(run({ bytes: tarOf(members) }), { code })
    assert.deepEqual(leftovers(), [])
  })
}

test('a file behind a link of the archive is written inside of the context', async () => {
  const folder = await bench().context()
  const members = [
    { path: 'Dockerfile', content: 'FROM scratch\nCOPY a /a\n' },
    { path: 'a', symlink: folder },
    { path: 'a/evil', content: 'x' },
  ]
  assert.deepEqual((await run({ bytes: tarOf(members) })).files.list('/a'), ['evil'])
  assert.deepEqual(readdirSync(folder), [])
})

test('what a server refuses or cuts is no context', async () => {
  server.files.set('/refused', { content: 'FROM scratch', status: 403 })
  server.files.set('/cut', { content: Buffer.alloc(100_000, 'x'), cut: true })
  await assert.rejects(run({ context: `${server.url}/missing` }), { code: 'DOWNLOAD_FAILED', message: /says 404/ })
  await assert.rejects(run({ context: `${server.url}/refused` }), { code: 'DOWNLOAD_FAILED', message: /says 403/ })
  await assert.rejects(run({ context: `${server.url}/cut` }), { code: 'DOWNLOAD_FAILED', message: /was cut after/ })
  await assert.rejects(run({ context: 'http://127.0.0.1:1/x' }), { code: 'DOWNLOAD_FAILED', message: /refused/ })
  assert.deepEqual(leftovers(), [])
})

test('git: branch, default branch, tag, commit, folder', async () => {
  const folder = await bench().context({ bar: '1', Dockerfile: 'FROM scratch\nCOPY ba* /\n' })
  const first = await committed(folder)
  await git(folder, 'branch', 'first')
  await git(folder, 'tag', '-a', '-m', 'x', 'v1')
  writeFileSync(join(folder, 'bar2'), '2')
  mkdirSync(join(folder, 'sub'))
  writeFileSync(join(folder, 'sub/Dockerfile'), 'FROM scratch\nCOPY . /\n')
  symlinkSync('/etc', join(folder, 'out'))
  await commitAll(folder)
  const url = `file://${folder}`
  const lists: Readonly<Record<string, readonly string[]>> = {
    [`${url}#first`]: ['bar'],
    [`${url}#v1`]: ['bar'],
    [`${url}#${first}`]: ['bar'],
    [`${url}?commit=${first.slice(0, 8)}&ref=first`]: ['bar'],
    [url]: ['bar', 'bar2'],
    [`${url}#main:sub`]: ['Dockerfile'],
    [`${url}#:sub`]: ['Dockerfile'],
  }
  for (const [context, names] of Object.entries(lists)) {
    assert.deepEqual((await run({ context })).files.list('/'), names, context)
  }
  await assert.rejects(run({ context: `${url}#nope` }), {
    code: 'GIT_REF_NOT_FOUND',
    message: /does not contain ref nope/,
  })
  await assert.rejects(run({ context: `${url}#:nope` }), { code: 'GIT_FOLDER_NOT_FOUND' })
  await assert.rejects(run({ context: `${url}#:out` }), { code: 'GIT_FOLDER_NOT_FOUND' })
  await assert.rejects(run({ context: `${url}?commit=${first}` }), {
    code: 'GIT_CHECKSUM',
    message: /expected checksum to match/,
  })
  await assert.rejects(run({ context: `${url}/nowhere` }), { code: 'GIT_FAILED' })
  assert.deepEqual(leftovers(), [])
})

test('git: the commit’s time is the epoch when that is asked for', async () => {
  const folder = await bench().context({ Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' })
  await committed(folder)
  const time = Number(await git(folder, 'log', '-1', '--format=%ct'))
  const options = { buildArgs: { SOURCE_DATE_EPOCH: 'context' }, compression: 'none' } as const
  const built = await bench().run({ context: `file://${folder}`, ...options })
  assert.equal(built.image.config.created, new Date(time * 1000).toISOString())
})

test('an archive’s epoch is when its server says that it changed, else that of its newest file', async () => {
  const content = tarOf([
    { path: 'Dockerfile', content: 'FROM scratch\nCOPY foo /\n', mtime: 1_600_000_000 },
    { path: 'foo', content: 'f', mtime: 1_700_000_000 },
  ])
  server.files.set('/undated.tar', { content })
  server.files.set('/dated.tar', { content, headers: { 'last-modified': new Date(1_500_000_000_000).toUTCString() } })
  const created = async (path: string) => {
    const buildArgs = { SOURCE_DATE_EPOCH: 'context' }
    const built = await bench().run({ context: `${server.url}${path}`, buildArgs, compression: 'none' })
    return Date.parse(built.image.config.created ?? '') / 1000
  }
  assert.deepEqual([await created('/dated.tar'), await created('/undated.tar')], [1_500_000_000, 1_700_000_000])
})

test('a named context takes the place of an image, of a whole stage, and is copied from', async () => {
  const folder = await bench().context({ out: '1', out2: '2', '.dockerignore': 'out2\n.dockerignore' })
  const contexts = { base: folder }
  const stage = await bench().build('FROM busybox AS base\nRUN false\nFROM scratch\nCOPY --from=base /o* /', {
    contexts,
  })
  assert.deepEqual(stage.files.list('/'), ['out'])
  const image = await bench().build('FROM base\nCOPY --from=base out copied', { contexts })
  assert.deepEqual(image.files.list('/'), ['copied', 'out'])
  const other = await bench().build('FROM busybox AS b\nFROM b', { contexts: { busybox: 'docker-image://alpine' } })
  assert.equal(await other.files.text('/etc/alpine-release'), '3.21.0\n')
  const text = 'FROM busybox:latest\nCOPY <<EOF /out\nhello\nEOF'
  const scratch = await bench().build(text, { contexts: { busybox: 'docker-image://scratch' } })
  assert.deepEqual(scratch.files.list('/'), ['out'])
})

test('an image takes the place of a stage, whose steps are not run; the main context stays itself', async () => {
  const text = 'FROM busybox AS parent\nFROM parent AS base\nRUN false\nFROM base\nRUN [ -f /etc/alpine-release ]'
  const stage = await bench().build(text, { contexts: { base: 'docker-image://alpine' } })
  assert.deepEqual([stage.ran, await stage.files.text('/etc/alpine-release')], [1, '3.21.0\n'])
  const context = await bench().context({ out: 'contents1' })
  const base = await bench().context({ another: 'contents2' })
  const copies = 'FROM scratch AS base\nFROM scratch\nCOPY out /out1\nCOPY --from=base /another /out2'
  const both = await bench().build(copies, { context, contexts: { base } })
  assert.equal(await both.files.text('/out1'), 'contents1')
  assert.equal(await both.files.text('/out2'), 'contents2')
})

test('a RUN sees what a named folder brought, and is run again when that changes', async () => {
  const folder = await bench().context({ f: '1' })
  const text = 'FROM busybox\nCOPY --from=src f /f\nRUN cat /f > /g'
  const build = () => bench().build(text, { contexts: { src: folder } })
  assert.equal(await (await build()).files.text('/g'), '1')
  assert.equal((await build()).ran, 0)
  writeFileSync(join(folder, 'f'), '2')
  assert.equal(await (await build()).files.text('/g'), '2')
})

test('named contexts from git, an archive’s address and an OCI layout', async () => {
  const folder = await bench().context({ f: 'git' })
  await committed(folder)
  server.files.set('/named.tar', { content: tarOf([{ path: 'f', content: 'http' }]) })
  const layout = join(await bench().context(), 'layout')
  const stored = await bench().build('FROM scratch\nCOPY <<EOF /f\nlayout\nEOF', { tags: ['for-layout:1'] })
  await saveLayout(bench().store, ['for-layout:1'], layout)
  const contexts = { git: `file://${folder}`, http: `${server.url}/named.tar`, layout: `oci-layout://${layout}:1` }
  const text = 'FROM layout\nCOPY --from=git f g\nCOPY --from=http f h\nCOPY --from=layout f l'
  const built = await bench().build(text, { contexts })
  assert.deepEqual(await Promise.all(['/f', '/g', '/h', '/l'].map(path => built.files.text(path))), [
    'layout\n',
    'git',
    'http',
    'layout\n',
  ])
  const exact = { layout: `oci-layout://${layout}@${stored.imageId}` }
  assert.deepEqual((await bench().build('FROM layout', { contexts: exact })).files.list('/'), ['f'])
  const wrong = await bench().fails('FROM layout', { contexts: { layout: `oci-layout://${layout}:9` } })
  assert.match(wrong.message, /^build context layout: .* has no image 9, but 1$/)
  assert.equal(wrong.source?.range.start.line, 1)
})

test('named contexts that nothing asks for are not looked up; those that are asked for are named in errors', async () => {
  const contexts = { broken: '/nowhere', unused: 'docker-image://nothing.invalid/x' }
  const text = 'FROM broken AS notused\nFROM unused AS notused2\nFROM scratch\nCOPY <<EOF /f\nEOF'
  assert.deepEqual((await bench().build(text, { contexts })).files.list('/'), ['f'])
  const error = await bench().fails('FROM scratch\nCOPY --from=broken f /', { contexts })
  assert.equal(error.code, 'CONTEXT_NOT_FOUND')
  assert.match(error.message, /^build context broken: path "\/nowhere" not found/)
  assert.equal(error.source?.range.start.line, 2)
})
