import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ShaleError } from '../../error.ts'
import { parseRegistries, registriesFiles } from './registries-file.ts'

const FILE = '/etc/shale/registries.yaml'

test('mirrors in their order, what is insecure, and files beside the file', async () => {
  const found = await parseRegistries(
    FILE,
    `
registries:
  docker.io:
    mirrors: [mirror.example.com, "localhost:5000/hub"]
  registry.example.com:5000:
    ca: ca.pem
    cert: /secret/client.pem
    key: ../key.pem
  10.0.0.5:5000:
    insecure: plain-http
`,
  )
  assert.deepEqual(Object.fromEntries(found), {
    'docker.io': { mirrors: ['mirror.example.com', 'localhost:5000/hub'] },
    'registry.example.com:5000': {
      mirrors: [],
      ca: '/etc/shale/ca.pem',
      cert: '/secret/client.pem',
      key: '/etc/key.pem',
    },
    '10.0.0.5:5000': { mirrors: [], insecure: 'plain-http' },
  })
})

test('an empty file says nothing', async () => {
  for (const text of ['', '# only a comment\n', 'registries:\n']) {
    assert.equal((await parseRegistries(FILE, text)).size, 0)
  }
})

const WRONG: readonly (readonly [text: string, line: number, why: RegExp])[] = [
  ['registries:\n  docker.io:\n    miror: [x]\n', 3, /^[^ ]+ unknown field "miror", did you mean mirrors\?$/],
  ['registries:\n  docker.io:\n    insecure: true\n', 3, /plain-http .* or skip-verify/],
  [
    'registries:\n  docker.io:\n    mirrors:\n      - ok.example.com\n      - https://x.example.com\n',
    5,
    /without https/,
  ],
  ['registries:\n  "https://docker.io":\n    insecure: plain-http\n', 2, /named as in image names/],
  ['registries:\n  docker.io:\n    cert: a.pem\n', 3, /cert and key go together/],
  ['registries:\n  docker.io:\n  mirrors: [\n', 4, /flow sequence/i],
  ['a: &a [x]\nb: [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n', 1, /alias/],
  ['- docker.io\n', 1, /expected object/],
]

for (const [text, line, why] of WRONG) {
  test(`wrong, and the line is named: ${JSON.stringify(text)}`, async () => {
    const error = await parseRegistries(FILE, text).then(
      () => assert.fail('was taken'),
      (refused: unknown) => refused,
    )
    assert.ok(error instanceof ShaleError, String(error))
    assert.equal(error.code, 'REGISTRIES_CONFIG')
    assert.ok(error.message.startsWith(`${FILE}:${line}: `), error.message)
    assert.match(error.message, why)
    assert.equal(error.source?.range.start.line, line)
  })
}

const PLACES: readonly (readonly [env: NodeJS.ProcessEnv, paths: readonly string[], must: boolean])[] = [
  [{ SHALE_REGISTRIES: '/x/r.yaml', HOME: '/home/ann' }, ['/x/r.yaml'], true],
  [{ HOME: '/home/ann' }, ['/home/ann/.config/shale/registries.yaml', FILE], false],
  [{ HOME: '/home/ann', XDG_CONFIG_HOME: '/conf' }, ['/conf/shale/registries.yaml', FILE], false],
  [{ HOME: '/home/ann', XDG_CONFIG_HOME: 'conf' }, ['/home/ann/.config/shale/registries.yaml', FILE], false],
]

for (const [env, paths, must] of PLACES) {
  test(`looked for with ${JSON.stringify(env)}`, () => assert.deepEqual(registriesFiles(env), { paths, must }))
}
