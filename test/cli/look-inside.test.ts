import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { fixtureTree } from '../support/fixture.ts'
import { type Shale, shale, tmp } from '../support/shale.ts'

const DOCKERFILE = `FROM scratch
LABEL team=core
ENV A=1 B="two words"
WORKDIR /srv
COPY big small /srv/
EXPOSE 80
CMD ["/srv/small", "--flag"]
`

/** A store with the image `app:1`, of 1,500 and 3 bytes. */
async function withImage(
  t: TestContext,
): Promise<{ readonly call: Shale; readonly id: string; readonly folder: string }> {
  const call = await shale(t)
  const folder = await fixtureTree(await tmp(t), { Dockerfile: DOCKERFILE, big: 'x'.repeat(1500), small: 'hi\n' })
  const { stdout, stderr } = await call(['build', '-q', '-t', 'app:1', folder])
  assert.equal(stderr, '')
  return { call, id: stdout.trim(), folder }
}

test('images: one line for each name, newest first, docker’s columns', async t => {
  const { call, id } = await withImage(t)
  await call(['tag', 'app:1', 'registry.example.com/team/app:2'])
  const { stdout } = await call(['images'])
  const [head, ...lines] = stdout.trimEnd().split('\n')
  assert.match(head ?? '', /^REPOSITORY {2,}TAG {2,}IMAGE ID {2,}CREATED {2,}SIZE$/)
  const short = id.slice(7, 19)
  assert.match(lines[0] ?? '', new RegExp(`^app +1 +${short} +.* ago +1\\.5kB$`))
  assert.match(lines[1] ?? '', new RegExp(`^registry\\.example\\.com/team/app +2 +${short} `))
  assert.equal(lines.length, 2)
})

test('images: what the flags choose', async t => {
  const { call, id, folder } = await withImage(t)
  await call(['tag', 'app:1', 'other:2'])
  const cases: readonly (readonly [string, string])[] = [
    ['-q', `${id.slice(7, 19)}\n${id.slice(7, 19)}\n`],
    ['-q --no-trunc app', `${id}\n`],
    ['--format {{.Repository}}:{{.Tag}}', 'app:1\nother:2\n'],
    ['--format {{.Digest}} app', `${id}\n`],
    ['--filter reference=o* --format {{.Repository}}', 'other\n'],
    ['--filter label=team=core --format {{.Tag}}', '1\n2\n'],
    ['--filter label=team=other -q', ''],
    ['--filter dangling=true -q', ''],
    ['--filter before=app:1 -q', ''],
    ['--filter until=24h -q', ''],
    ['app:1 --format {{.Tag}}', '1\n'],
    ['app:2 -q', ''],
  ]
  for (const [flags, expected] of cases) {
    assert.equal((await call(['image', 'ls', ...flags.split(' ')])).stdout, expected, flags)
  }
  await call(['build', '-q', '-t', 'app:1', '--label', 'x=y', folder])
  await call(['rmi', 'other:2'])
  const dangling = await call(['images', '--filter', 'dangling=true', '--format', '{{.Repository}} {{.ID}}'])
  assert.equal(dangling.stdout, '')
})

test('images: an image that lost its name is dangling', async t => {
  const { call, id, folder } = await withImage(t)
  await call(['build', '-q', '-t', 'app:1', '--label', 'x=y', folder])
  const { stdout } = await call([
    'images',
    '--filter',
    'dangling=true',
    '--no-trunc',
    '--format',
    '{{.Repository}} {{.ID}}',
  ])
  assert.equal(stdout, `<none> ${id}\n`)
})

test('images: a filter or field that does not exist', async t => {
  const call = await shale(t)
  const filter = await call(['images', '--filter', 'danglin=true'])
  assert.match(filter.stderr, /^invalid filter 'danglin'\nDid you mean 'dangling'\?/)
  const field = await call(['images', '--format', '{{.Nmae}}'])
  assert.match(
    field.stderr,
    /^ERROR: template parsing error: template: :1:2: executing "" at <\.Nmae>: can't evaluate field Nmae/,
  )
  assert.deepEqual([filter.code, field.code], [1, 1])
})

test('inspect: docker’s shape', async t => {
  const { call, id } = await withImage(t)
  const [image] = JSON.parse((await call(['inspect', 'app:1'])).stdout) as [Record<string, unknown>]
  assert.equal(image.Id, id)
  assert.deepEqual(image.RepoTags, ['app:1'])
  assert.deepEqual(image.RepoDigests, [`app@${id}`])
  assert.equal(image.Os, 'linux')
  assert.equal(image.Size, 1503)
  const config = image.Config as Record<string, unknown>
  assert.ok((config.Env as string[]).includes('B=two words'))
  assert.deepEqual(config.Cmd, ['/srv/small', '--flag'])
  assert.deepEqual(config.Labels, { team: 'core' })
  assert.deepEqual(config.ExposedPorts, { '80/tcp': {} })
  assert.equal(config.WorkingDir, '/srv')
  assert.deepEqual([image.DockerVersion, image.GraphDriver], ['', { Data: null, Name: 'overlayfs' }])
  const layers = (image.RootFS as { readonly Layers: readonly string[] }).Layers
  assert.ok(layers.length > 0 && layers.every(layer => /^sha256:[0-9a-f]{64}$/.test(layer)))
})

test('inspect: Go templates', async t => {
  const { call } = await withImage(t)
  const cases: readonly (readonly [string, string])[] = [
    ['{{.Config.Cmd}}', '[/srv/small --flag]\n'],
    ['{{json .Config.Cmd}}', '["/srv/small","--flag"]\n'],
    ['{{index .Config.Labels "team"}}', 'core\n'],
    ['{{.Config.Labels.nobody}}', '<no value>\n'],
    ['{{.Config.Entrypoint}}', '[]\n'],
    ['{{range $port, $_ := .Config.ExposedPorts}}{{$port}}{{end}}', '80/tcp\n'],
    ['{{if .Config.User}}{{.Config.User}}{{else}}root{{end}}', 'root\n'],
    ['{{.Os}}/{{len .RootFS.Layers}}', 'linux/2\n'],
  ]
  for (const [format, expected] of cases)
    assert.equal((await call(['inspect', '-f', format, 'app:1'])).stdout, expected)
})

test('inspect: of several names, what is there is shown and what is missing fails', async t => {
  const { call } = await withImage(t)
  const some = await call(['inspect', '-f', '{{.RepoTags}}', 'nothing', 'app:1'])
  assert.deepEqual([some.code, some.stdout], [1, '[app:1]\n'])
  assert.match(some.stderr, /^ERROR: No such object: nothing/)
  assert.equal((await call(['inspect', 'nothing'])).stdout, '[]\n')
})

test('inspect: by ID and by its beginning', async t => {
  const { call, id } = await withImage(t)
  for (const name of [id, id.slice(7), id.slice(7, 19), id.slice(7, 11)]) {
    assert.equal((await call(['inspect', '-f', '{{.Id}}', name])).stdout, `${id}\n`)
  }
})

test('history: a line for each instruction, the last one first, with sizes', async t => {
  const { call, id } = await withImage(t)
  const { stdout } = await call(['history', '--format', '{{.Size}} {{.CreatedBy}}', 'app:1'])
  const lines = stdout.trimEnd().split('\n')
  assert.match(lines[0] ?? '', /^0B CMD \["\/srv\/small"/)
  assert.equal(lines.filter(line => line.startsWith('1.5kB COPY big small /srv/')).length, 1)
  assert.equal(lines.length, 6)
  const table = (await call(['history', 'app:1'])).stdout.split('\n')
  assert.match(table[0] ?? '', /^IMAGE {2,}CREATED {2,}CREATED BY {2,}SIZE {2,}COMMENT$/)
  assert.ok(table[1]?.startsWith(id.slice(7, 19)))
  assert.ok(table[2]?.startsWith('<missing>'))
  const exact = await call(['history', '--human=false', '--format', '{{.Size}}', 'app:1'])
  assert.ok(exact.stdout.split('\n').includes('1503'))
})

test('tag and rmi: names come and go, the image goes with the last one', async t => {
  const { call, id } = await withImage(t)
  assert.deepEqual(await call(['tag', 'app:1', 'app:latest']), { code: 0, stdout: '', stderr: '' })
  assert.match((await call(['tag', 'nothing', 'x'])).stderr, /^ERROR: No such image: nothing/)
  assert.match((await call(['tag', 'app:1', 'UPPER'])).stderr, /repository name must be lowercase/)
  assert.match((await call(['tag', 'app:1', `app@${id}`])).stderr, /refusing to create a tag with a digest reference/)
  assert.equal((await call(['rmi', 'app'])).stdout, 'Untagged: app:latest\n')
  const gone = await call(['rmi', 'app:1', 'app:1'])
  assert.equal(gone.stdout, `Untagged: app:1\nDeleted: ${id}\n`)
  assert.match(gone.stderr, /^ERROR: No such image: app:1/)
  assert.equal(gone.code, 1)
  for (const command of [['rmi', '-f'], ['tag'], ['history'], ['image', 'inspect'], ['save']]) {
    const { code, stderr } = await call([...command, 'UPPER', ...(command[0] === 'tag' ? ['x'] : [])])
    assert.equal(code, 1)
    assert.match(stderr, /^ERROR: invalid reference format: "UPPER": repository name must be lowercase\n/)
  }
  const forced = await call(['rmi', '-f', 'app:1'])
  assert.deepEqual([forced.code, forced.stderr.split('\n')[0]], [0, 'ERROR: No such image: app:1'])
  assert.equal((await call(['images', '-q'])).stdout, '')
  assert.equal((await call(['image', 'prune', '-f'])).stdout, 'Total reclaimed space: 0B\n')
})

test('info says where the store is and what it holds', async t => {
  const { call } = await withImage(t)
  assert.equal((await call(['info', '--format', '{{.Images}} {{.Root}}'])).stdout, `1 ${call.root}\n`)
})
