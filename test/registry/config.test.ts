import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { loadConfig } from '../../src/registry/server/config/file.ts'
import { DEFAULT_SETTINGS } from '../../src/registry/server/config/settings.ts'
import { parseAddress, parseDuration, parseSize } from '../../src/registry/server/config/units.ts'
import { matcher } from '../../src/registry/server/pattern.ts'
import { tmp } from '../support/shale.ts'

const WHOLE = `
address: "[::1]:5443"
data: data
read-only: true
tls: { cert: certs/c.pem, key: /keys/k.pem }
limits: { upload: 10GB, manifest: 1MB, uploads: 9, rate: 2KB }
users: htpasswd
anonymous: pull
rules:
  - repositories: team/**
    users: [ann, "*"]
    actions: [pull, push]
immutable-tags:
  - tags: v*
gc: { interval: 6h, grace: 30m }
`

test('everything that registry.yaml may say', async t => {
  const folder = await tmp(t)
  const file = join(folder, 'registry.yaml')
  writeFileSync(file, WHOLE)
  assert.deepEqual(await loadConfig(file), {
    data: join(folder, 'data'),
    settings: {
      host: '::1',
      port: 5443,
      tls: { cert: join(folder, 'certs/c.pem'), key: '/keys/k.pem' },
      readOnly: true,
      limits: { upload: 10 * 2 ** 30, manifest: 2 ** 20, uploads: 9, rate: 2048 },
      users: join(folder, 'htpasswd'),
      anonymous: 'pull',
      rules: [{ repositories: ['team/**'], users: ['ann', '*'], actions: ['pull', 'push'] }],
      immutableTags: [{ repositories: ['**'], tags: ['v*'] }],
      collection: { interval: 6 * 3_600_000, grace: 30 * 60_000 },
    },
  })
})

test('the registry.yaml of the documentation', async t => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/registry.md'), 'utf8')
  const [, text = ''] = /^```yaml\n(.*?)^```$/ms.exec(page) ?? []
  const file = join(await tmp(t), 'registry.yaml')
  writeFileSync(file, text)
  const { settings } = await loadConfig(file)
  assert.deepEqual([settings.host, settings.port, settings.rules.length], [undefined, 5000, 2])
  const { limits, collection } = settings
  const defaults = { limits: DEFAULT_SETTINGS.limits, collection: DEFAULT_SETTINGS.collection }
  assert.deepEqual({ limits, collection }, defaults, 'what it shows are the defaults')
})

test('rate: none lets clients be as slow as they like', async t => {
  const file = join(await tmp(t), 'registry.yaml')
  writeFileSync(file, 'limits: { rate: none }\n')
  assert.equal((await loadConfig(file)).settings.limits.rate, 0)
})

test('an empty registry.yaml is the defaults', async t => {
  const file = join(await tmp(t), 'registry.yaml')
  writeFileSync(file, '# nothing\n')
  assert.deepEqual(await loadConfig(file), { data: undefined, settings: DEFAULT_SETTINGS })
})

describe('a registry.yaml that is wrong is refused with its line', () => {
  const BAD: readonly (readonly [text: string, message: RegExp])[] = [
    ['adress: :5000', /registry\.yaml:1: unknown field "adress", did you mean address\?$/],
    ['\naddress: nowhere', /registry\.yaml:2: an address is host:port/],
    ['limits:\n  rate: fast', /registry\.yaml:2: fast is no size/],
    ['limits:\n  manifest: large', /registry\.yaml:2: large is no size/],
    ['gc:\n  grace: 5', /registry\.yaml:2: 5 is no time/],
    [
      'rules:\n  - repositories: a\n    users: ann\n    actions: [pull]',
      /registry\.yaml:3: rules for users need `users`/,
    ],
    ['rules:\n  - repositories: a\n    users: ann\n    actions: [read]', /registry\.yaml:4: /],
    ['tls:\n  cert: c.pem', /registry\.yaml:1: /],
    ['a: [', /registry\.yaml:\d: /],
    ['- a', /registry\.yaml:1: /],
  ]
  for (const [text, message] of BAD) {
    test(JSON.stringify(text), async t => {
      const file = join(await tmp(t), 'registry.yaml')
      writeFileSync(file, text)
      await assert.rejects(loadConfig(file), { code: 'REGISTRY_CONFIG', message })
    })
  }

  test('and one that is not there by its name', async () => {
    await assert.rejects(loadConfig('/none/registry.yaml'), {
      code: 'REGISTRY_CONFIG',
      message: /^cannot read \/none\/registry\.yaml/,
    })
  })
})

test('sizes, times and addresses', () => {
  assert.deepEqual(['512', '4MB', '4 mib', '1g', '', '-1', '1x'].map(parseSize), [
    ...[512, 4 * 2 ** 20, 4 * 2 ** 20, 2 ** 30],
    ...[undefined, undefined, undefined],
  ])
  assert.deepEqual(['90s', '10m', '6h', '7d', '5', 'm', '1w'].map(parseDuration), [
    ...[90_000, 600_000, 21_600_000, 604_800_000],
    ...[undefined, undefined, undefined],
  ])
  const addresses: Readonly<Record<string, unknown>> = {
    '5000': { host: '127.0.0.1', port: 5000 },
    ':5000': { host: undefined, port: 5000 },
    'example.com:80': { host: 'example.com', port: 80 },
    '[::1]:1': { host: '::1', port: 1 },
    '127.0.0.1:70000': undefined,
    '::1:5000': undefined,
    host: undefined,
    '': undefined,
  }
  for (const [text, expected] of Object.entries(addresses)) assert.deepEqual(parseAddress(text), expected, text)
})

test('patterns', () => {
  const CASES: readonly (readonly [pattern: string, yes: readonly string[], no: readonly string[]])[] = [
    ['**', ['a', 'a/b/c'], []],
    ['*', ['a', 'a-b.c'], ['a/b']],
    ['team/*', ['team/a'], ['team', 'team/a/b', 'xteam/a']],
    ['team/**', ['team', 'team/a', 'team/a/b'], ['teams', 'a/team']],
    ['**/app', ['x/app', 'x/y/app'], ['app2']],
    ['v?.*', ['v1.0', 'v1.'], ['v10', 'v1']],
    ['a.b', ['a.b'], ['axb']],
    ['(a|b)', ['(a|b)'], ['a']],
  ]
  for (const [pattern, yes, no] of CASES) {
    const matches = matcher(pattern)
    for (const text of yes) assert.ok(matches(text), `${pattern} matches ${text}`)
    for (const text of no) assert.ok(!matches(text), `${pattern} does not match ${text}`)
  }
})
