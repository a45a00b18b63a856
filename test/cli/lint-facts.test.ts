import assert from 'node:assert/strict'
import { test } from 'node:test'
import { busyboxRootfs } from '../support/busybox.ts'
import { fixtureTree } from '../support/fixture.ts'
import { shale, tmp } from '../support/shale.ts'

test('lint knows the commands of a base image that the store has', async t => {
  const folder = await tmp(t)
  const call = await shale(t, { cwd: folder, env: { HOME: folder } })
  const lint = async (script: string) => {
    const input = `FROM base:1\nRUN ${script}\n`
    const { stdout } = await call(['lint', '--shellcheck=false', '-'], { input })
    return stdout.split('\n').filter(line => line.includes(' SH1001 '))
  }
  assert.deepEqual(await lint('mvn package'), [], 'nothing is known of it yet')
  const built = await call(['build', '-q', '-t', 'base:1', '-f', '-', await busyboxRootfs()], {
    input: 'FROM scratch\nCOPY . /\n',
  })
  assert.equal(built.code, 0, built.stderr)
  assert.deepEqual(await lint('mkdir -p /x && mvn package'), [
    '-:2 SH1001 error: base:1 has no mvn in any folder of its PATH, and nothing before this line brings one',
  ])
  for (const script of [
    'ls',
    'wget x; mvn package',
    'command -v mvn && mvn package',
    'mvn() { :; }; mvn',
    '/opt/mvn',
  ]) {
    assert.deepEqual(await lint(script), [], script)
  }
})

test('lint finds the context beside the Dockerfile or in the current folder', async t => {
  const Dockerfile = 'FROM scratch\nCOPY main.js none.js hidden.js /app/\n'
  const folder = await fixtureTree(await tmp(t), {
    'images/Dockerfile': Dockerfile,
    'main.js': '',
    'hidden.js': '',
    '.dockerignore': 'hidden.js\n',
    'other/none.js': '',
  })
  const call = await shale(t, { cwd: folder, env: { HOME: folder } })
  const lint = async (...flags: string[]) => (await call(['lint', '--shellcheck=false', ...flags, 'images'])).stdout
  const ignored = 'Attempting to Copy file "hidden.js" that is excluded by .dockerignore'
  assert.equal(
    await lint(),
    `images/Dockerfile:2 CopyIgnoredFile warning: ${ignored}\nimages/Dockerfile:2 SH1002 error: the build context has no none.js\n`,
  )
  assert.match(await lint('--context', 'other'), /has no main\.js\n.*has no hidden\.js\n$/)
})
