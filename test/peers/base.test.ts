import assert from 'node:assert/strict'
import test from 'node:test'
import { shale } from '../support/shale.ts'

/** Images of Debian's own archive, each with a command that needs more than its first file. */
const IMAGES = [
  {
    packages: 'python3,ca-certificates',
    command: ['python3', '-c', 'import ssl, sqlite3; print(len(ssl.create_default_context().get_ca_certs()) > 100)'],
    says: /^True\n$/,
  },
  { packages: 'openjdk-21-jre-headless', command: ['java', '-version'], says: /^openjdk version "21/ },
] as const

for (const { packages, command, says } of IMAGES) {
  test(`an image of ${packages} runs, and is the same a second time`, async t => {
    const call = await shale(t)
    const make = ['base', '-q', 'debian:trixie', '--package', packages, '-t', 'made']
    const first = await call(make)
    assert.equal(first.code, 0, first.stderr)
    assert.equal((await call(make)).stdout, first.stdout)
    const { code, stdout, stderr } = await call(['run', '--rm', 'made', ...command])
    assert.equal(code, 0, stderr)
    assert.match(stdout + stderr, says)
  })
}
