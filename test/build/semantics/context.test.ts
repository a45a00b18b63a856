import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { builds, failures, sharedBench } from './cases.ts'

const bench = sharedBench()

builds(bench, [
  {
    title: '.dockerignore leaves out what it names, and ! brings back',
    dockerfile: 'FROM scratch\nCOPY . .',
    context: {
      bar: '',
      baz: '',
      bay: '',
      foo: '',
      Dockerfile: 'FROM x',
      '.dockerignore': 'ba*\nDockerfile\n!bay\n.dockerignore\n',
    },
    lists: { '/': ['bay', 'foo'] },
  },
  {
    title: 'what is left out is found by no wildcard',
    dockerfile: 'FROM scratch\nCOPY *.txt sub/* /o/',
    context: { 'a.txt': '', 'b.txt': '', 'sub/c': '', 'sub/d': '', '.dockerignore': 'b.txt\nsub/d' },
    lists: { '/o': ['a.txt', 'c'] },
  },
])

failures(bench, [
  {
    title: 'a lonely ! is refused',
    dockerfile: 'FROM scratch\nCOPY . .',
    context: { '.dockerignore': '!' },
    message: /illegal exclusion pattern|!/,
  },
])

test('<Dockerfile>.dockerignore takes the place of .dockerignore', async () => {
  const text = 'FROM scratch\nCOPY . /'
  const context = await bench().context({
    foo: '',
    bar: '',
    baz: '',
    Dockerfile: text,
    Dockerfile2: text,
    'Dockerfile.dockerignore': 'bar',
    'Dockerfile2.dockerignore': 'foo',
    '.dockerignore': 'baz',
  })
  const first = await bench().run({ context, compression: 'none' })
  const second = await bench().run({ context, dockerfile: join(context, 'Dockerfile2'), compression: 'none' })
  const plain = (names: readonly string[]) => names.filter(name => /^ba|^foo/.test(name))
  assert.deepEqual(plain(first.files.list('/')), ['baz', 'foo'])
  assert.deepEqual(plain(second.files.list('/')), ['bar', 'baz'])
})
