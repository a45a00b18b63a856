import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { chmod, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Rebuild } from '../../src/rebuild/rebuild.ts'
import { busyboxRootfs } from '../support/busybox.ts'
import { fixtureTree, type Tree } from '../support/fixture.ts'
import { committed } from '../support/git.ts'
import { type Shale, shale, tmp } from '../support/shale.ts'

const TIMEOUT = { timeout: 60_000 }
const EPOCH = { env: { SOURCE_DATE_EPOCH: '1700000000' } }

const project = async (t: TestContext, tree: Tree) => fixtureTree(join(await tmp(t, 'project'), 'app'), tree)

/** A store with a base that has a shell. */
async function withBase(t: TestContext): Promise<Shale> {
  const call = await shale(t)
  const dockerfile = await fixtureTree(await tmp(t, 'base'), { Dockerfile: 'FROM scratch\nCOPY . /\n' })
  const { code, stderr } = await call([
    ...['build', '-q', '-t', 'base:1', '-f', join(dockerfile, 'Dockerfile'), await busyboxRootfs()],
  ])
  assert.equal(code, 0, stderr)
  return call
}

async function verify(call: Shale, ...args: readonly string[]): Promise<Rebuild & { readonly code: number }> {
  const { code, stdout, stderr } = await call(['verify-rebuild', '-q', '--format', 'json', ...args])
  assert.notEqual(stdout, '', stderr)
  return { ...JSON.parse(stdout), code }
}

/** Every difference in one line. */
function found({ platforms }: Rebuild): readonly string[] {
  return platforms.flatMap(({ layers, config, manifest }) => [
    ...layers.flatMap(({ number, files }) => files.map(({ path, field }) => `${number} ${path} ${field}`)),
    ...config.map(({ field }) => `config ${field}`),
    ...manifest.map(({ field }) => `manifest ${field}`),
  ])
}

test('an image is built again from its commit and its base, whatever has become of both', TIMEOUT, async t => {
  const call = await withBase(t)
  const app = await project(t, {
    'service/Dockerfile': 'FROM base:1\nARG WHO\nCOPY f /f\nRUN echo $WHO > /who && cat /f >> /who\n',
    'service/f': 'F',
  })
  await committed(app)
  const args = ['build', '-q', '--reproducible', '--build-arg', 'WHO=me', '-t', 'app', join(app, 'service')]
  const built = await call(args)
  assert.equal(built.code, 0, built.stderr)
  await writeFile(join(app, 'service/f'), 'not committed')
  await call(['build', '-q', '-t', 'base:1', '-'], { input: 'FROM base:1\nRUN touch /moved\n' })

  const files = () =>
    readdirSync(call.root, { recursive: true }).filter(path => !/shale\.db|store\.db/.test(String(path)))
  const before = files()
  const { code, stdout, stderr } = await call(['verify-rebuild', 'app'])
  assert.equal(stdout, `the same, bit for bit: ${built.stdout}`, stderr)
  assert.equal(code, 0)
  assert.match(stderr, /RUN echo \$WHO/)
  assert.deepEqual(files(), before, 'the store is as it was')
})

test('what differs is named by layer, path and field', TIMEOUT, async t => {
  const call = await withBase(t)
  const app = await project(t, {
    Dockerfile: 'FROM base:1\nENV A=1\nCOPY src /src\nRUN head -c 8 /dev/urandom > /random\n',
    'src/content': 'before',
    'src/mode': '',
    'src/gone': '',
  })
  assert.equal((await call(['build', '-q', '-t', 'app', app], EPOCH)).code, 0)
  await writeFile(join(app, 'src/content'), 'and after')
  await chmod(join(app, 'src/mode'), 0o755)
  await rm(join(app, 'src/gone'))
  await writeFile(join(app, 'src/new'), '')
  await writeFile(
    join(app, 'Dockerfile'),
    'FROM base:1\nENV A=2\nCOPY src /src\nRUN head -c 8 /dev/urandom > /random\n',
  )
  const rebuild = await verify(call, 'app')
  assert.equal(rebuild.code, 1)
  assert.deepEqual(found(rebuild), [
    '2 /src/content content',
    '2 /src/content size',
    '2 /src/gone entry',
    '2 /src/mode mode',
    '2 /src/new entry',
    '3 /random content',
    'config config.Env[1]',
    'config history[1].created_by',
  ])
  assert.deepEqual(rebuild.notes, [
    'Dockerfile is not what it was when the image was built',
    `no commit is noted of ${app}: its files are taken as they are now`,
  ])
  const { stdout } = await call(['verify-rebuild', '-q', 'app'])
  assert.match(
    stdout,
    /^image {4}sha256:\w+\nrebuilt {2}sha256:\w+\n\nlayer 2: COPY src \/src\n {2}\/src\/content content: /,
  )
  assert.match(stdout, /^ {2}\/src\/mode mode: 0644 became 0755$/m)
  assert.match(stdout, /^ {2}\/src\/gone: a file that the rebuilt image lacks$/m)
  assert.match(stdout, /^config\n {2}config\.Env\[1\]: "A=1" became "A=2"$/m)
})

test('times differ without an epoch, and the report says why', TIMEOUT, async t => {
  const call = await withBase(t)
  const app = await project(t, { Dockerfile: 'FROM base:1\nRUN touch /made\n' })
  await call(['build', '-q', '-t', 'app', app])
  const rebuild = await verify(call, 'app')
  assert.ok(found(rebuild).includes('2 /made mtime'), found(rebuild).join('\n'))
  assert.ok(found(rebuild).includes('config created'))
  assert.match(rebuild.notes.join('\n'), /built without SOURCE_DATE_EPOCH or --reproducible/)
})

test('no step of the store and nothing of a cache mount has a part in it', TIMEOUT, async t => {
  const call = await withBase(t)
  const counting = (name: string) => ({
    Dockerfile: `FROM base:1\nRUN --mount=type=cache,target=/c echo x >> /c/lines && wc -l < /c/lines > /${name}\nFROM scratch AS out\nCOPY --from=0 /${name} /\n`,
  })
  const count = async (name: string) => {
    const out = await tmp(t, 'out')
    const { stderr } = await call(['build', '--target', 'out', '-o', out, await project(t, counting(name))])
    return existsSync(join(out, name)) ? readFileSync(join(out, name), 'utf8') : stderr
  }
  assert.equal(await count('first'), '1\n')
  await call(['build', '-q', '-t', 'app', await project(t, counting('second'))], EPOCH)
  const rebuild = await verify(call, 'app')
  assert.deepEqual(found(rebuild), ['1 /second content'])
  assert.equal(await count('third'), '3\n', 'the cache of the store is as it was')
})

test('secrets and other folders are given anew', TIMEOUT, async t => {
  const call = await withBase(t)
  const app = await project(t, {
    Dockerfile:
      'FROM base:1\nCOPY --from=shared f /f\nRUN --mount=type=secret,id=token,required sha256sum /run/secrets/token > /sum\n',
  })
  const shared = await project(t, { f: 'F' })
  const secret = (value: string) => ({ env: { ...EPOCH.env, TOKEN: value } })
  const args = ['--build-context', `shared=${shared}`, '--secret', 'id=token,env=TOKEN']
  const built = await call(['build', '-q', '-t', 'app', ...args, app], secret('hidden-value'))
  assert.equal(built.code, 0, built.stderr)
  const without = await call(['verify-rebuild', '-q', 'app'])
  assert.match(without.stderr, /secret token: not found/)
  const given = ['verify-rebuild', '-q', '--format', 'json', '--secret', 'id=token,env=TOKEN']
  assert.equal((await call([...given, 'app'], secret('hidden-value'))).code, 0)
  const moved = await project(t, { f: 'other' })
  const other = await call([...given, '--build-context', `shared=${moved}`, 'app', app], secret('hidden-value'))
  assert.deepEqual(found(JSON.parse(other.stdout)), ['2 /f content', '2 /f size'])
})

test('an image that was not built here has no record', async t => {
  const [one, two] = [await withBase(t), await shale(t)]
  const archive = join(await tmp(t), 'base.tar')
  await one(['save', '-o', archive, 'base:1'])
  await two(['load', '-q', '-i', archive])
  const { code, stderr } = await two(['verify-rebuild', 'base:1'])
  assert.equal(code, 1)
  assert.match(stderr, /there is no record of how base:1 was built: it was not built here\nhint: /)
})
