import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { fakeRegistry } from '../../src/registry/client/testing.ts'
import { openStore } from '../../src/store/open.ts'
import { busyboxRootfs } from '../support/busybox.ts'
import { fixtureTree } from '../support/fixture.ts'
import { type Shale, shale, tmp } from '../support/shale.ts'
import { atTerminal } from '../support/terminal.ts'

const BIN = fileURLToPath(new URL('../../bin/shale', import.meta.url))
const timeout = 30_000
/** What "at once" may take on a busy machine. */
const AT_ONCE_MS = 5000

/** Somebody types Ctrl-C at a terminal as soon as the command is that far. Gives exit code and screen. */
async function interrupted(call: Shale, args: readonly string[], untilFar: (shows: Shows) => Promise<void>) {
  const env = { PATH: process.env.PATH, HOME: call.root, SHALE_ROOT: call.root, TERM: 'xterm' }
  const seat = atTerminal([process.execPath, '--', BIN, ...args], env)
  await untilFar(pattern => seat.shows(pattern))
  assert.notDeepEqual(processesOf(call.root), [])
  const typedAt = Date.now()
  seat.type('\x03')
  const code = await seat.ended
  assert.ok(Date.now() - typedAt < AT_ONCE_MS, `it went on for ${Date.now() - typedAt} ms`)
  seat.close()
  return { code, screen: seat.screen() }
}

type Shows = (pattern: RegExp) => Promise<void>

/** No process, mount, lease, container or temporary file of that store is left. */
function assertNothingLeft({ root }: Shale): void {
  assert.deepEqual(processesOf(root), [])
  assert.equal(readFileSync('/proc/self/mountinfo', 'utf8').includes(root), false)
  for (const folder of ['tmp', 'uploads', 'containers']) assert.deepEqual(readdirSync(join(root, folder)), [], folder)
  const store = openStore({ root })
  try {
    for (const table of ['leases', 'holds']) assert.deepEqual(store.database.all(`SELECT * FROM ${table}`), [], table)
  } finally {
    store.close()
  }
}

/** Command lines of living processes that were started for that store. */
function processesOf(root: string): readonly string[] {
  const read = (id: string, file: string) => {
    try {
      return readFileSync(`/proc/${id}/${file}`, 'latin1')
    } catch {
      return ''
    }
  }
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter(id => read(id, 'environ').includes(root) || read(id, 'cmdline').includes(root))
    .map(id => read(id, 'cmdline').replaceAll('\0', ' '))
}

async function withBusybox(t: TestContext): Promise<{ readonly call: Shale; readonly context: string }> {
  const [call, folder, rootfs] = [await shale(t), await tmp(t), await busyboxRootfs()]
  const busybox = readFileSync(join(rootfs, 'bin/busybox'))
  const context = await fixtureTree(folder, {
    'bin/busybox': { content: busybox, mode: 0o755 },
    'bin/sh': { symlink: 'busybox' },
    'bin/sleep': { symlink: 'busybox' },
    Dockerfile: 'FROM scratch\nCOPY bin /bin\n',
  })
  const built = await call(['build', '-q', '-t', 'box', context])
  assert.equal(built.code, 0, built.stderr)
  return { call, context }
}

test('Ctrl-C ends a build that runs commands', { timeout }, async t => {
  const { call, context } = await withBusybox(t)
  await fixtureTree(context, {
    Dockerfile: `FROM box AS one
RUN sleep 1000 & echo ready''1; trap '' INT; sleep 1000; wait
FROM box
COPY --from=one /x /
`,
  })
  const { code, screen } = await interrupted(call, ['build', '--progress', 'plain', context], shows => shows(/ready1/))
  assert.equal(code, 130, screen)
  assert.match(screen, /interrupted by SIGINT/)
  assertNothingLeft(call)
  assert.equal((await call(['system', 'check'])).code, 0)
})

test('Ctrl-C ends a run, and --rm leaves no container', { timeout }, async t => {
  const { call } = await withBusybox(t)
  const script = 'trap "exit 130" INT; sleep 1000 & echo rea""dy; wait'
  const { code, screen } = await interrupted(call, ['run', '--rm', 'box', 'sh', '-c', script], shows => shows(/ready/))
  assert.equal(code, 130, screen)
  assertNothingLeft(call)
})

for (const [command, args] of [
  ['pull', (name: string, _context: string) => ['pull', name]],
  ['build whose FROM is being pulled', (_name: string, context: string) => ['build', context]],
] as const) {
  test(`Ctrl-C ends a ${command}, and the next one goes on`, { timeout }, async t => {
    const [from, registry, context, call] = [await shale(t), await fakeRegistry(t), await tmp(t), await shale(t)]
    const name = `${registry.host}/app:1`
    await fixtureTree(context, { Dockerfile: 'FROM scratch\nCOPY f /f', f: randomBytes(4 * 1024 * 1024) })
    assert.equal((await from(['build', '-q', '--push', '-t', name, context])).code, 0)
    const half = Promise.withResolvers<void>()
    registry.intercept = (request, response) => {
      const blob = registry.blobs.get(request.url?.replace('/v2/app/blobs/', 'app@') ?? '')
      if (request.method !== 'GET' || blob === undefined || blob.byteLength < 1024 * 1024) return false
      response.writeHead(200, { 'content-length': blob.byteLength })
      // The rest never comes.
      response.write(blob.subarray(0, 1024 * 1024), () => half.resolve())
      return true
    }
    await fixtureTree(context, { Dockerfile: `FROM ${name}\nLABEL a=b` })
    const { code, screen } = await interrupted(call, args(name, context), () => half.promise)
    assert.equal(code, 130, screen)
    assertNothingLeft(call)
    registry.intercept = undefined
    const again = await call(args(name, context))
    assert.equal(again.code, 0, again.stderr)
    assert.deepEqual(readdirSync(join(call.root, 'partial')), [])
  })
}
