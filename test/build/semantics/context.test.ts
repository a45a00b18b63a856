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
  {
    title: 'a source above the context is one of its root, and the hint says so',
    dockerfile: 'FROM scratch\nCOPY ../sibling/f /',
    message: /"\/sibling\/f": not found/,
    hint: /^\.\.\/sibling\/f is outside of the build context/,
  },
  {
    title: 'a slip in a name of one letter',
    dockerfile: 'FROM scratch\nCOPY aa /',
    context: { a: '', other: '' },
    message: /"\/aa": not found/,
    hint: /did you mean a\?/,
  },
  {
    title: 'a source like nothing in a small context',
    dockerfile: 'FROM scratch\nCOPY entirely-else /',
    context: { b: '', a: '' },
    message: /"\/entirely-else": not found/,
    hint: /^the build context has only a, b$/,
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
