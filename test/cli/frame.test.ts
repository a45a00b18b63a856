import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { run } from '../../scripts/bases/process.ts'
import { CATALOG, GROUPS } from '../../src/cli/catalog.ts'
import { shale, tmp } from '../support/shale.ts'

const BIN = fileURLToPath(new URL('../../bin/', import.meta.url))

test('every form of every command has help with an example', async () => {
  const { commandHelp } = await import('../../src/cli/help.ts')
  for (const { forms, load } of CATALOG) {
    const command = await load()
    for (const form of forms) {
      const help = commandHelp(form, command, 80)
      assert.ok(help.startsWith(`Usage:  shale ${form} ${command.usage}`), form)
      assert.match(help, /\nExamples:\n {2}shale /, form)
      assert.ok(
        help.split('\n').every(line => line.length <= 80 || !line.startsWith('  ')),
        `${form}: a line is longer than the terminal`,
      )
    }
  }
})

test('help is on the standard output and exits with 0', async t => {
  const call = await shale(t)
  for (const words of [['--help'], ['-h'], ['help'], [], ['images', '--help'], ['help', 'image', 'ls'], ['image']]) {
    const { code, stdout, stderr } = await call(words)
    assert.deepEqual([code, stderr], [0, ''], words.join(' '))
    assert.match(stdout, /^Usage: {2}shale /)
  }
})

test('every group shows its commands', async () => {
  const { groupHelp } = await import('../../src/cli/help.ts')
  for (const group of Object.keys(GROUPS)) assert.match(groupHelp(group, 80), /\nCommands:\n {2}\w/)
})

test('version in all its forms', async t => {
  const call = await shale(t)
  const { version } = JSON.parse(readFileSync(join(BIN, '../package.json'), 'utf8')) as { readonly version: string }
  assert.equal((await call(['--version'])).stdout, `Shale version ${version}\n`)
  assert.equal((await call(['version', '--format', '{{.Client.Version}}'])).stdout, `${version}\n`)
  assert.match((await call(['version'])).stdout, /^Shale:\n Version: /)
})

const MISTAKES: readonly (readonly [string, number, RegExp])[] = [
  ['imgaes', 1, /^shale: 'imgaes' is not a shale command\.\nDid you mean `shale images`\?/],
  ['image prnue', 1, /^shale: 'image prnue' is not a shale command\.\nDid you mean `shale image prune`\?/],
  ['swarm init', 1, /^docker's `swarm` is not part of Shale\n/],
  ['pause', 1, /^docker's `pause` is not part of Shale yet\n/],
  ['container ls-files', 1, /^shale: 'container ls-files' is not a shale command\./],
  ['container pause x', 1, /^docker's `container pause` is not part of Shale yet\n/],
  ['buildx bake', 1, /^docker's `buildx bake` is not part of Shale yet\n/],
  ['--foo images', 125, /^unknown flag: --foo\n/],
  ['-H tcp://x images', 125, /^docker's -H is not part of Shale: there is no daemon/],
  ['images --digest', 125, /^unknown flag: --digest\nDid you mean --digests\?/],
  ['build --attest type=sbom .', 125, /^docker's --attest is not supported by `shale build` yet\n/],
  ['rmi', 1, /^"shale rmi" requires at least 1 argument\.\nSee 'shale rmi --help'\.\n\nUsage: {2}shale rmi /],
  ['tag a', 1, /^"shale tag" requires exactly 2 arguments\./],
]

for (const [line, exitCode, message] of MISTAKES) {
  test(`shale ${line} exits with ${exitCode}`, async t => {
    const { code, stdout, stderr } = await (await shale(t))(line.split(' '))
    assert.match(stderr, message)
    assert.deepEqual([code, stdout], [exitCode, ''])
  })
}

test('an unusable store is a sentence, not an errno', async t => {
  const call = await shale(t)
  const folder = await tmp(t)
  await writeFile(join(folder, 'file'), '')
  const { code, stderr } = await call(['--root', join(folder, 'file'), 'images'])
  assert.equal(code, 1)
  assert.match(stderr, /^ERROR: cannot use the store (\S+): \1 is not a folder\nhint: /)
  assert.doesNotMatch(stderr, /at .*\.ts:/)
})

test('--debug adds where the error comes from', async t => {
  const { stderr } = await (await shale(t))(['--debug', 'inspect', 'nothing'])
  assert.match(stderr, /No such object: nothing\n\nShaleError: .*\n {4}at /)
})

test('a Node that is too old hands over to the bundled one, exit code included', async t => {
  const folder = await tmp(t)
  const fake = join(folder, 'old.cjs')
  await writeFile(fake, "Object.defineProperty(process.versions, 'node', { value: '12.0.0' })\n")
  const old = (words: readonly string[]) => run(process.execPath, ['-r', fake, join(BIN, 'shale'), ...words])
  assert.match((await old(['--version'])).stdout, /^Shale version /)
  assert.equal((await old(['--foo'])).code, 125)
})

test('without a bundled Node, one that is too old says what is needed', async t => {
  const folder = await tmp(t)
  for (const name of ['shale', 'newer-node.js']) await writeFile(join(folder, name), readFileSync(join(BIN, name)))
  const fake = join(folder, 'old.cjs')
  await writeFile(fake, "Object.defineProperty(process.versions, 'node', { value: '12.0.0' })\n")
  const { code, stderr } = await run(process.execPath, ['-r', fake, join(folder, 'shale')])
  assert.equal(code, 1)
  assert.match(stderr, /^shale: needs Node\.js 24 or newer, but this is /)
})

test('what an old Node must parse has no syntax that it lacks', () => {
  for (const name of ['shale', 'newer-node.js']) {
    const code = readFileSync(join(BIN, name), 'utf8').replace(/^\s*(?:\/\/|\/\*\*?|#!).*$/gm, '')
    assert.doesNotMatch(code, /`|\b(?:const|let|class|async|await|import)\b|\?\.|\?\?/)
  }
})
