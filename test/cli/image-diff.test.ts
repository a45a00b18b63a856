import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fixtureTree } from '../support/fixture.ts'
import { shale, tmp } from '../support/shale.ts'

function dpkg(version: string): string {
  return `Package: tool\nStatus: install ok installed\nVersion: ${version}\n`
}

const TEXT = `Config:
  ~ Cmd: ["/run"] → ["/run","-v"]
  + Env DEBUG: 1

Layers: 1 shared, 1 removed, 1 added
  -    349B  COPY one /
  +    450B  COPY two /

Packages: 0 added, 0 removed, 1 changed
  ~ tool 1.0 → 1.1

Files: 1 added, 1 removed, 2 changed (+101B)
  +    200B  /app/extra
  -    100B  /app/gone
  ~ 193B → 194B  /app/main (content)
  ~     56B  /var/lib/dpkg/status (content)
`

test('diff tells configuration, layers, packages and files of two images', async t => {
  const call = await shale(t)
  const folder = await fixtureTree(await tmp(t), {
    'base/etc/name': 'base',
    'one/app/main': 'x'.repeat(193),
    'one/app/gone': 'g'.repeat(100),
    'one/var/lib/dpkg/status': dpkg('1.0'),
    'two/app/main': 'y'.repeat(194),
    'two/app/extra': 'e'.repeat(200),
    'two/var/lib/dpkg/status': dpkg('1.1'),
  })
  const dockerfiles = {
    a: 'FROM scratch\nCOPY base /\nCOPY one /\nCMD ["/run"]\n',
    b: 'FROM scratch\nCOPY base /\nCOPY two /\nENV DEBUG=1\nCMD ["/run", "-v"]\n',
  }
  for (const [name, input] of Object.entries(dockerfiles)) {
    const { code, stderr } = await call(['build', '-q', '-t', name, '-f', '-', folder], { input })
    assert.equal(code, 0, stderr)
  }
  const { code, stdout } = await call(['diff', 'a', 'b'])
  assert.equal(code, 0)
  assert.equal(stdout, TEXT)
  assert.equal((await call(['image', 'diff', '--exit-code', 'a', 'b'])).code, 1)
  const same = await call(['diff', '--exit-code', 'a', 'a'])
  assert.deepEqual([same.code, same.stdout], [0, 'The images are the same.\n'])
  const json = JSON.parse((await call(['diff', '--format', 'json', 'b', 'a'])).stdout)
  assert.deepEqual(json.packages, [{ name: 'tool', kind: 'dpkg', before: '1.1', after: '1.0' }])
  assert.equal(json.files.length, 4)
  assert.match((await call(['diff', 'a', 'none'])).stderr, /No such image: none/)
})
