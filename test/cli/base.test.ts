import assert from 'node:assert/strict'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { damage, type PackageArchive, packageArchive } from '../support/package-archive.ts'
import { shale, tmp } from '../support/shale.ts'

const PACKAGES = {
  'base-files': { files: { 'etc/os-release': 'ID=test\n', 'var/tmp/': '' } },
  tool: {
    fields: { Depends: 'libtool (>= 1.0)', Section: 'misc' },
    files: { 'bin/tool': { content: '#!/nothing\n', mode: 0o755 }, 'usr/share/man/man1/tool.1': 'manual' },
    compression: 'zst',
  },
  libtool: { files: { 'usr/lib/libtool.so': 'x'.repeat(100_000) }, compression: 'xz' },
} as const

async function archive(t: TestContext, release: Readonly<Record<string, string>> = {}): Promise<PackageArchive> {
  return await packageArchive(await tmp(t, 'archive'), PACKAGES, release)
}

const from = ({ line, keyring }: PackageArchive, ...more: readonly string[]) => [
  ...['base', '--platform', 'linux/amd64', '--repository', line, '--keyring', keyring, ...more],
]

test('an image holds the packages, what they need, users, and a list for scanners', async t => {
  const call = await shale(t)
  const made = await call(from(await archive(t), '--package', 'tool', '-t', 'tool:1', '--user', 'nonroot'))
  assert.equal(made.code, 0, made.stderr)
  assert.match(made.stdout, /^sha256:[0-9a-f]{64}\ntool:1\n$/)
  const whole = join(await tmp(t, 'out'), 'image.tar')
  assert.equal((await call(['save', '-o', whole, 'tool:1'])).code, 0)
  const history = await call(['history', '--no-trunc', '--format', '{{.CreatedBy}}', 'tool:1'])
  assert.match(history.stdout, /settings\n.*tool: tool 1\.0\n.*libraries: libtool 1\.0\n.*base: base-files 1\.0\n/)
  const config = await call(['inspect', '-f', '{{.Config.User}} {{.Created}}', 'tool:1'])
  assert.equal(config.stdout.trim(), 'nonroot 2026-11-02T00:00:00.000Z')
  const { openStore, openImage } = await import('../../src/index.ts')
  const store = openStore({ root: call.root })
  t.after(() => store.close())
  const image = await openImage(store, 'tool:1')
  const lookup = (path: string) => image.view.lookup(path)?.kind
  assert.equal(lookup('usr/bin/tool'), 'file', 'what lies in /bin is in /usr/bin')
  assert.equal(lookup('bin'), 'symlink')
  assert.equal(lookup('usr/share/man/man1/tool.1'), undefined, 'manual pages are left out')
  assert.equal(lookup('var/lib/dpkg/status.d/libtool'), 'file')
  assert.equal(lookup('etc/passwd'), 'file')
  assert.deepEqual([image.view.lookup('home/nonroot')?.uid, image.view.lookup('tmp')?.mode], [65532, 0o1777])
})

test('the same packages give the same image in another store', async t => {
  const made = await archive(t)
  const digests = await Promise.all(
    [await shale(t), await shale(t)].map(async call => (await call(from(made, '-q', '--package', 'tool'))).stdout),
  )
  assert.match(digests[0] ?? '', /^sha256:/)
  assert.equal(digests[0], digests[1])
})

const REFUSED = [
  {
    title: 'a key that is not trusted',
    args: (made: PackageArchive) => from({ ...made, keyring: made.otherKeyring }, '--package', 'tool'),
    says: /cannot trust .*InRelease: no signature by a trusted key is good/,
  },
  {
    title: 'a fingerprint that no key has',
    args: (made: PackageArchive) => from(made, '--package', 'tool', '--fingerprint', 'AB'.repeat(20)),
    says: /has the fingerprint ABAB/,
  },
  {
    title: 'a package that was changed',
    before: (made: PackageArchive) => damage(join(made.folder, 'pool/libtool.deb')),
    args: (made: PackageArchive) => from(made, '--package', 'tool'),
    says: /package libtool 1\.0 .*has sha256 [0-9a-f]{64}, not sha256 [0-9a-f]{64}/,
  },
  {
    title: 'an index that was changed',
    before: (made: PackageArchive) => damage(join(made.folder, 'dists/stable/main/binary-amd64/Packages.gz')),
    args: (made: PackageArchive) => from(made, '--package', 'tool'),
    says: /the index main\/binary-amd64\/Packages\.gz .*has sha256/,
  },
  {
    title: 'a release that has expired',
    release: { 'Valid-Until': 'Tue, 03 Nov 2020 00:00:00 UTC', Date: 'Mon, 02 Nov 2020 00:00:00 UTC' },
    args: (made: PackageArchive) => from(made, '--package', 'tool'),
    says: /was valid until 2020-11-03/,
  },
  {
    title: 'a package that does not exist',
    args: (made: PackageArchive) => from(made, '--package', 'toll'),
    says: /no repository has a package toll for amd64\nhint: did you mean tool\?/,
  },
  {
    title: 'a release of another name',
    args: (made: PackageArchive) => from({ ...made, line: made.line.replace('stable', 'next') }, '--package', 'tool'),
    says: /there is no release "next"/,
  },
] as const

for (const one of REFUSED) {
  test(`${one.title} stops everything, and nothing is tagged`, async t => {
    const made = await archive(t, 'release' in one ? one.release : {})
    if ('before' in one) await one.before(made)
    const call = await shale(t)
    const { code, stderr } = await call([...one.args(made), '-t', 'tool:1'])
    assert.equal(code, 1)
    assert.match(stderr, one.says)
    assert.equal((await call(['images', '-aq'])).stdout, '')
  })
}

test('an older state of an archive is refused once a newer one was seen', async t => {
  const call = await shale(t)
  const folder = await tmp(t, 'archive')
  const recent = await packageArchive(folder, PACKAGES)
  assert.equal((await call(from(recent, '--package', 'tool'))).code, 0)
  const old = await packageArchive(folder, PACKAGES, { Date: 'Sun, 01 Nov 2026 00:00:00 UTC' })
  assert.match((await call(from(old, '--package', 'tool'))).stderr, /is of 2026-11-01.*the one seen before is newer/)
})
