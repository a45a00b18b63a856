import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { run } from '../../scripts/bases/process.ts'
import { tmp } from '../support/shale.ts'
import { type Bench, bench } from './bench.ts'

const BIN = fileURLToPath(new URL('../../bin/shale', import.meta.url))

async function contextOf(folder: string, dockerfile = 'FROM scratch\nCOPY . /\n'): Promise<string> {
  const context = join(folder, 'context')
  await mkdir(context)
  await writeFile(join(context, 'Dockerfile'), dockerfile)
  return context
}

interface Row {
  readonly what: string
  readonly make: (context: string, bench: Bench) => Promise<unknown>
  /** What is said when it is refused; without it the image is built. */
  readonly refused?: RegExp
  readonly dockerfile?: string
}

const ROWS: readonly Row[] = [
  {
    what: 'a socket',
    make: context =>
      new Promise<void>(resolve => {
        // Closing a server removes its socket; this one stays.
        const script = 'require("node:net").createServer().listen(process.argv[1], () => process.exit(0))'
        spawn(process.execPath, ['-e', script, join(context, 'socket')]).on('exit', () => resolve())
      }),
  },
  {
    what: 'a fifo that nobody writes to',
    make: async context => assert.equal(spawnSync('mkfifo', [join(context, 'fifo')]).status, 0),
  },
  {
    what: 'symbolic links in a ring, and to above',
    make: async context => {
      await symlink('b', join(context, 'a'))
      await symlink('a', join(context, 'b'))
      await symlink('.', join(context, 'self'))
      await symlink('..', join(context, 'up'))
    },
  },
  {
    what: 'a source that is a ring of links',
    make: async context => {
      await symlink('b', join(context, 'a'))
      await symlink('a', join(context, 'b'))
    },
    dockerfile: 'FROM scratch\nCOPY a/ /x/\n',
    refused: /symbolic links at \/a/,
  },
  {
    what: 'a source that is a link to outside',
    make: (context, { outside }) => symlink(outside, join(context, 'out')),
    dockerfile: 'FROM scratch\nCOPY out/canary /x\n',
    refused: /out\/canary/,
  },
  {
    what: 'a source with ..',
    make: async () => undefined,
    dockerfile: 'FROM scratch\nCOPY ../../outside/canary /x\n',
    refused: /outside\/canary/,
  },
  {
    what: 'names with newlines, escapes and bytes that are no UTF-8',
    make: async context => {
      for (const name of ['new\nline', '\u001b[31mred', '-rf', ' ', '*']) await writeFile(join(context, name), name)
      await writeFile(Buffer.concat([Buffer.from(`${context}/`), Buffer.from([0xff, 0xfe, 0x80])]), 'bytes')
    },
  },
  {
    what: 'folders 200 deep',
    make: async context => {
      const deep = join(context, ...Array.from({ length: 200 }, () => 'dddddddd'))
      await mkdir(deep, { recursive: true })
      await writeFile(join(deep, 'file'), 'x')
    },
  },
  {
    what: 'an ignore file of 20,000 patterns that backtrack',
    make: async context => {
      await writeFile(join(context, '.dockerignore'), '*a*a*a*a*a*a*a*a*b\n'.repeat(20_000))
      await writeFile(join(context, 'a'.repeat(200)), 'x')
    },
  },
]

for (const { what, make, refused, dockerfile } of ROWS) {
  test(`a context with ${what}`, async t => {
    const one = await bench(t)
    const context = await contextOf(one.folder, dockerfile)
    await make(context, one)
    const { code, stderr } = await one.call(['build', '-t', 'hostile', context])
    if (refused === undefined) assert.equal(code, 0, stderr)
    else {
      assert.equal(code, 1, stderr)
      assert.match(stderr, refused)
      assert.doesNotMatch(stderr, /alive/)
      await one.checkStoreEmpty()
    }
    await one.checkOutside()
  })
}

test('files that come, change and go while they are read end in an image or in an error that names one', async t => {
  const { call, folder } = await bench(t)
  const context = await contextOf(folder)
  for (let i = 0; i < 300; i++) await writeFile(join(context, `calm${i}`), String(i))
  const script = `const fs = require('node:fs'); for (let i = 0; ; i++) { const p = process.argv[1] + '/wild' + i % 40
    try { i % 3 === 0 ? fs.rmSync(p, { force: true }) : fs.writeFileSync(p, Buffer.alloc(i % 5 * 40000, i)) } catch {} }`
  const wild = spawn(process.execPath, ['-e', script, context], { stdio: 'ignore' })
  try {
    for (let round = 0; round < 5; round++) {
      const { code, stderr } = await call(['build', '-t', 'hostile', context])
      if (code !== 0) assert.match(stderr, /wild\d+/)
    }
  } finally {
    // Before the folder is removed, which would never be empty.
    wild.kill('SIGKILL')
    await once(wild, 'exit')
  }
})

const AS_NOBODY = ['--reuid', '65534', '--regid', '65534', '--clear-groups'] as const

/** Why the last test cannot run on this machine; false if it can. */
function obstacle(): string | false {
  if (process.getuid?.() !== 0) return 'needs root, to become an ordinary user'
  const readable = spawnSync('setpriv', [...AS_NOBODY, 'test', '-r', BIN, '-a', '-x', process.execPath]).status === 0
  return !readable && 'needs a checkout that other users can read'
}

test('a file that an ordinary user cannot read is named', { skip: obstacle() }, async t => {
  const home = await tmp(t, 'home')
  const context = await contextOf(home)
  const secret = join(context, 'secret')
  await writeFile(secret, 'alive')
  spawnSync('chown', ['-R', '65534:65534', home])
  spawnSync('chown', ['0:0', secret])
  await chmod(secret, 0o000)
  const env = { PATH: process.env.PATH, HOME: home, SHALE_ROOT: join(home, 'store') }
  const { code, stderr } = await run('setpriv', [...AS_NOBODY, process.execPath, BIN, 'build', context], {
    env,
    cwd: home,
  })
  assert.equal(code, 1, stderr)
  assert.match(stderr, /secret/)
  assert.match(stderr, /permission denied|EACCES/i)
})
