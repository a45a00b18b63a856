// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are a Dockerfile's variables
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { builds, failures, sharedBench } from './cases.ts'

const bench = sharedBench()

builds(bench, [
  {
    title: 'a destination that expands to nothing is the working directory',
    dockerfile: 'FROM scratch\nENV nothing=\nWORKDIR /srv\nCOPY one $nothing\nCOPY --link two $nothing',
    context: { one: '1', two: '2' },
    files: { '/srv/one': '1', '/srv/two': '2' },
  },
  {
    title: 'a trailing slash makes the destination a directory',
    dockerfile: 'FROM scratch\nCOPY note /kept/\nCOPY note /kept2/deep/',
    context: { note: 'n' },
    files: { '/kept/note': 'n', '/kept2/deep/note': 'n' },
    entries: { '/kept': 'directory 0755 0:0' },
  },
  {
    title: '--link resolves a dot against the working directory',
    dockerfile: 'FROM busybox\nWORKDIR /opt/site\nCOPY --link page .\nRUN cat page > seen',
    context: { page: 'p' },
    files: { '/opt/site/page': 'p', '/opt/site/seen': 'p' },
  },
  {
    title: 'variables in sources and destinations are expanded',
    dockerfile: 'FROM scratch\nENV WHICH=a.txt\nARG TO=out\nCOPY $WHICH ${TO}/b.txt',
    context: { 'a.txt': 'A' },
    files: { '/out/b.txt': 'A' },
  },
  {
    title: 'wildcards match within a component, and a directory they match gives its contents',
    dockerfile: [
      'FROM scratch',
      'COPY *.c /src/',
      'COPY m*.c single.c',
      'COPY nest/* /star/',
      'COPY nest/*/in/leaf /leafdir/',
      'COPY nest/*/in/leaf /leafdir2/renamed',
      'COPY . whole/',
      'COPY nest/top/ slash',
      'COPY nest/top/. dot',
      'COPY nest/top bare',
    ].join('\n'),
    context: { 'main.c': 'm', 'util.c': 'u', 'nest/top/in/leaf': 'L' },
    lists: { '/src': ['main.c', 'util.c'], '/star': ['in'], '/leafdir': ['leaf'], '/leafdir2': ['renamed'] },
    files: {
      '/single.c': 'm',
      '/star/in/leaf': 'L',
      '/whole/util.c': 'u',
      '/slash/in/leaf': 'L',
      '/dot/in/leaf': 'L',
      '/bare/in/leaf': 'L',
    },
  },
  {
    title: 'a wildcard may match nothing',
    dockerfile: 'FROM scratch\nCOPY here none* /\nCOPY none* /void/',
    context: { here: 'h' },
    files: { '/here': 'h' },
    entries: { '/void': 'directory 0755 0:0' },
  },
  {
    title: 'copying the same again changes nothing and replaces files',
    dockerfile: [
      'FROM scratch',
      'COPY tree tree',
      'COPY tree tree',
      'COPY more/x.go to/x.go',
      'COPY more/x.go to/x.go',
      'COPY more to',
    ].join('\n'),
    context: { 'tree/a/b/c': 'deep', 'more/x.go': 'x' },
    files: { '/tree/a/b/c': 'deep', '/to/x.go': 'x' },
    lists: { '/to': ['x.go'] },
  },
  {
    title: 'relative paths of WORKDIR and COPY stand on the working directory',
    dockerfile: [
      'FROM busybox',
      'WORKDIR /one',
      'WORKDIR two',
      'RUN pwd > /pwd',
      'COPY f ./',
      'ADD f ./deep/g',
      'COPY f ./deep/h',
      'WORKDIR ..',
      'COPY f ./',
      'COPY f /three/',
      'WORKDIR /four',
      'COPY . .',
      'WORKDIR /five/six',
      'COPY f ../',
    ].join('\n'),
    context: { f: 'F' },
    files: {
      '/pwd': '/one/two\n',
      '/one/two/f': 'F',
      '/one/two/deep/g': 'F',
      '/one/two/deep/h': 'F',
      '/one/f': 'F',
      '/three/f': 'F',
      '/four/f': 'F',
      '/five/f': 'F',
    },
  },
  {
    title: 'names are taken as they are written',
    dockerfile: 'FROM scratch\nCOPY grün.txt /\nCOPY gr%C3%BCn.txt /\nCOPY a+b.txt /',
    context: { 'grün.txt': '1', 'gr%C3%BCn.txt': '2', 'a+b.txt': '3' },
    files: { '/grün.txt': '1', '/gr%C3%BCn.txt': '2', '/a+b.txt': '3' },
    lists: { '/': ['a+b.txt', 'gr%C3%BCn.txt', 'grün.txt'] },
  },
  {
    title: 'COPY renames a file, or keeps its name in a directory',
    dockerfile: 'FROM busybox\nCOPY f /g\nCOPY f /\nRUN echo -n v > h\nRUN cmp f g && cmp f h',
    context: { f: 'v' },
    files: { '/g': 'v', '/f': 'v' },
  },
  {
    title: 'COPY --from takes names in any case and numbers',
    dockerfile: 'FROM scratch AS Src\nCOPY a b /\nFROM Src\nCOPY --from=sRC a /x/\nCOPY --from=0 b /y/',
    context: { a: 'A', b: 'B' },
    files: { '/x/a': 'A', '/y/b': 'B' },
  },
])

failures(bench, [
  {
    title: '--from does not expand variables',
    dockerfile: 'FROM scratch\nARG S=x\nCOPY --from=$S . .',
    message: /variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope/,
  },
  {
    title: 'a missing source is named',
    dockerfile: 'FROM scratch\nCOPY nofile /',
    message: /"\/nofile": not found/,
    lines: [2, 2],
  },
  {
    title: 'COPY takes no URL',
    dockerfile: 'FROM scratch\nCOPY https://example.org/a.txt /',
    message: /source can't be a URL for COPY/,
  },
  { title: 'FROM needs a name', dockerfile: 'FROM "" AS x', message: /empty|blank|base name/i },
  {
    title: 'a name that expands to nothing is no name',
    dockerfile: 'ARG E\nFROM ${E} AS x',
    message: /empty|blank|base name/i,
  },
  {
    title: 'several sources need a directory',
    dockerfile: 'FROM scratch\nCOPY a b c',
    context: { a: '', b: '' },
    message: /must be a directory and end with a \//,
  },
])

test('a socket in the context becomes an empty file', async () => {
  const context = await bench().context()
  const server = createServer().listen(join(context, 'talk.sock'))
  await new Promise(resolve => server.once('listening', resolve))
  try {
    const { files } = await bench().build('FROM scratch\nCOPY . /', { context })
    assert.match(files.describe('/talk.sock') ?? '', /^file /)
    assert.equal(await files.text('/talk.sock'), '')
  } finally {
    server.close()
  }
})

test('steps are numbered as BuildKit numbers them', async () => {
  const text =
    'FROM busybox AS tools\nWORKDIR /o\nRUN echo "t" > t\nFROM scratch\nCOPY --from=tools --chmod=0600 /o /o\n'
  const { steps } = await bench().build(text)
  const names = steps.map(({ name }) => name)
  assert.deepEqual(names, [
    '[tools 1/3] FROM busybox',
    '[tools 2/3] WORKDIR /o',
    '[tools 3/3] RUN echo "t" > t',
    '[stage-1 1/1] COPY --from=tools --chmod=0600 /o /o',
    'exporting image',
  ])
})

test('a directory of the context that becomes a file is copied as a file', async () => {
  const { rm, writeFile } = await import('node:fs/promises')
  const context = await bench().context({ 'thing/inner': '1' })
  const first = await bench().build('FROM scratch\nCOPY thing /', { context })
  assert.equal(await first.files.text('/inner'), '1')
  await rm(join(context, 'thing'), { recursive: true })
  await writeFile(join(context, 'thing'), '2')
  const second = await bench().build('FROM scratch\nCOPY thing /', { context })
  assert.equal(await second.files.text('/thing'), '2')
})
