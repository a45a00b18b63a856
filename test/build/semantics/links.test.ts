import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tarOf } from '../archives.ts'
import { builds, sharedBench } from './cases.ts'

const bench = sharedBench()

builds(bench, [
  {
    title: 'a link to a directory on the way to a source is followed',
    dockerfile: 'FROM scratch\nCOPY way/f .',
    context: { 'real/f': 'F', way: { symlink: 'real' } },
    files: { '/f': 'F' },
  },
  {
    title: 'absolute and relative links of a stage are followed within that stage',
    dockerfile: [
      'FROM busybox AS made',
      'RUN mkdir -p /d/e && ln -s /d/e /abs && ln -s d/e /rel && echo -n x > /abs/f',
      'FROM scratch',
      'COPY --from=made /abs/f .',
      'COPY --from=made /rel/f g',
    ].join('\n'),
    files: { '/f': 'x', '/g': 'x' },
  },
  {
    title: 'a link inside a copied directory stays a link, a link as a source is followed',
    dockerfile: 'FROM scratch\nCOPY d /\nCOPY d/l copied',
    context: { f: 'F', 'd/l': { symlink: '../f' } },
    entries: { '/l': 'symlink ../f' },
    files: { '/copied': 'F' },
  },
  {
    title: 'links that are named or matched by a wildcard are followed, chains too',
    dockerfile: 'FROM scratch\nCOPY l /\nCOPY d/l* all/',
    context: {
      f: 'F',
      l: { symlink: 'f' },
      'd/lplain': 'p',
      'd/l0': { symlink: 'target' },
      'd/target': 't',
      'd/l1': { symlink: 'hop' },
      'd/hop': { symlink: 'end' },
      'd/end': 'e',
    },
    files: { '/l': 'F', '/all/lplain': 'p', '/all/l0': 't', '/all/l1': 'e' },
  },
])

test('COPY writes through a linked destination and stays below the root', async () => {
  const archive = tarOf([{ path: 'way', symlink: '../../tmp/there' }])
  const context = await bench().context({ 'l.tar': archive, f: 'F' })
  const { files } = await bench().build('FROM scratch\nADD l.tar /\nCOPY f /way/', { context })
  assert.equal(await files.text('/tmp/there/f'), 'F')
  assert.equal(files.describe('/way'), 'symlink ../../tmp/there')
})

test('the Dockerfile may be a link or be called dockerfile', async () => {
  const linked = await bench().context({
    'Dockerfile.web': 'FROM scratch\nENV a=b',
    Dockerfile: { symlink: 'Dockerfile.web' },
  })
  const lower = await bench().context({ dockerfile: 'FROM scratch\nENV a=b' })
  for (const context of [linked, lower]) {
    const { image } = await bench().run({ context })
    assert.ok(image.config.config?.Env?.includes('a=b'))
  }
})
