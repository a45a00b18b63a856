// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are a Dockerfile's variables
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { compressed, tarOf } from '../archives.ts'
import { builds, failures, sharedBench } from './cases.ts'

const bench = sharedBench()
const one = tarOf([{ path: 'f', content: 'F' }])

builds(bench, [
  {
    title: 'ADD unpacks plain, gzip and zstd archives, COPY and --unpack=false keep them',
    dockerfile: [
      'FROM scratch',
      'ADD t.tar /tar/',
      'ADD t.tar.gz /gz/',
      'ADD odd-name /zst/',
      'ADD --unpack=false t.tar.gz /kept/',
      'COPY t.tar.gz /copied/',
      'ADD plain.gz /plain/',
    ].join('\n'),
    context: {
      't.tar': one,
      't.tar.gz': gzipSync(one),
      'odd-name': zstdCompressSync(one),
      'plain.gz': gzipSync('no archive'),
    },
    lists: {
      '/tar': ['f'],
      '/gz': ['f'],
      '/zst': ['f'],
      '/kept': ['t.tar.gz'],
      '/copied': ['t.tar.gz'],
      '/plain': ['plain.gz'],
    },
    files: { '/gz/f': 'F' },
  },
  {
    title: 'parents that an archive does not name are made',
    dockerfile: 'FROM scratch\nADD t.tar.gz /',
    context: { 't.tar.gz': gzipSync(tarOf([{ path: 'etc/app/' }, { path: 'etc/app/app.conf', content: 'c=1' }])) },
    files: { '/etc/app/app.conf': 'c=1' },
    entries: { '/etc': 'directory 0755 0:0' },
  },
  {
    title: 'unpacking follows an absolute link of the image inside it, hard links stay',
    dockerfile: 'FROM scratch\nADD root.tar /\nADD load.tar /',
    context: {
      'root.tar': tarOf([{ path: 'run/' }, { path: 'var/' }, { path: 'var/run', symlink: '/run' }]),
      'load.tar': tarOf([
        { path: 'var/' },
        { path: 'var/run/' },
        { path: 'var/run/x/' },
        { path: 'var/run/x/HEAD', content: 'ref' },
        { path: 'var/run/x/HEAD.link', hardlink: 'var/run/x/HEAD' },
      ]),
    },
    files: { '/run/x/HEAD': 'ref', '/run/x/HEAD.link': 'ref' },
    entries: { '/var/run': 'symlink /run', '/run/x/HEAD.link': 'hardlink 0644 0:0' },
  },
  {
    title: 'every archive that a wildcard matches is unpacked',
    dockerfile: 'FROM scratch\nADD *.tar /d',
    context: { 'a.tar': one, 'b.tar': tarOf([{ path: 'g', content: 'G' }]) },
    files: { '/d/f': 'F', '/d/g': 'G' },
  },
])

failures(bench, [
  {
    title: '--checksum is for remote sources',
    dockerfile: `FROM scratch\nADD --checksum=sha256:${'0'.repeat(64)} f /x`,
    context: { f: 'F' },
    message: /checksum/i,
  },
])

for (const program of ['bzip2', 'xz'] as const) {
  const data = compressed(program, one)
  if (data === undefined) console.log(`ADD of ${program} archives: not tested, this machine has no ${program}`)
  else {
    test(`ADD unpacks what ${program} has compressed`, async () => {
      const context = await bench().context({ archive: data })
      const { files } = await bench().build('FROM scratch\nADD archive /d/', { context })
      assert.equal(await files.text('/d/f'), 'F')
    })
  }
}
