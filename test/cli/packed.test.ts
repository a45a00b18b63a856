import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { mustRun, run } from '../../scripts/bases/process.ts'
import { busyboxRootfs } from '../support/busybox.ts'
import { tmp } from '../support/shale.ts'

const ROOT = join(import.meta.dirname, '../..')

const DOCKERFILE = `FROM scratch AS base
COPY . /
FROM base
RUN echo made in a packed install > /made
CMD ["cat", "/made"]
`

const PROGRAM = `import { build, openImage, openStore, ShaleError } from 'shale'
const [root, context] = process.argv.slice(2)
const store = openStore({ root })
const { imageId } = await build(store, { context, dockerfileText: 'FROM scratch\\nCOPY Dockerfile /copied\\n', tags: ['lib'] })
const image = await openImage(store, 'lib')
console.log(imageId.slice(0, 7), typeof image, ShaleError.name)
store.close()
`

/** What a program in TypeScript sees; compiled, not run. */
const TYPED = `import { build, openStore, type BuildEvent } from 'shale'
const store = openStore({ root: '/nowhere' })
const onEvent = (event: BuildEvent): void => { if (event.type === 'finished') event.imageId satisfies string | undefined }
export const result = build(store, { context: '/nowhere', onEvent })
// @ts-expect-error: the types are there, so that a wrong one is found
build(store, { context: 1 })
`

test('the packed package installs elsewhere without its scripts, builds, runs and is a library', async t => {
  const folder = await tmp(t, 'packed')
  const env = { ...process.env, SHALE_ROOT: join(folder, 'store'), NODE_TEST_CONTEXT: undefined }
  const packed = await mustRun('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: ROOT, env })
  const tarball = join(folder, packed.trim().split('\n').at(-1) ?? '')
  await writeFile(join(folder, 'package.json'), '{"type":"module","private":true}')
  await mustRun('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', tarball], { cwd: folder, env })
  const bin = join(folder, 'node_modules/.bin/shale')
  const call = (args: readonly string[], input = '') => run(bin, args, { cwd: folder, env, input })

  assert.match((await call(['--version'])).stdout, /0\.1\.0/)
  const built = await call(['build', '-t', 'box', '-f', '-', await busyboxRootfs()], DOCKERFILE)
  assert.equal(built.code, 0, built.stderr)
  assert.equal((await call(['images', '--format', '{{.Repository}}:{{.Tag}}'])).stdout, 'box:latest\n')
  assert.match((await call(['explain', 'StageNameCasing'])).stdout, /^# StageNameCasing\n/)
  assert.match((await call(['size', 'box'])).stdout, /efficiency/)
  const ran = await call(['run', '--rm', 'box'])
  assert.deepEqual([ran.code, ran.stdout], [0, 'made in a packed install\n'], ran.stderr)

  await writeFile(join(folder, 'Dockerfile'), 'FROM scratch\n')
  await writeFile(join(folder, 'program.js'), PROGRAM)
  const used = await run(process.execPath, ['program.js', join(folder, 'store'), folder], { cwd: folder, env })
  assert.deepEqual([used.code, used.stdout], [0, 'sha256: object ShaleError\n'], used.stderr)

  await writeFile(join(folder, 'typed.ts'), TYPED)
  const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2024']
  const types = ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules/@types')]
  const checked = await run(join(ROOT, 'node_modules/.bin/tsc'), [...options, ...types, 'typed.ts'], {
    cwd: folder,
    env,
  })
  assert.deepEqual([checked.code, checked.stdout], [0, ''])
})
