import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { decodeToc, encodeToc } from '../layer/toc-codec.ts'
import { type Helper, openHelper } from './helper.ts'
import { collector, makeTrees, type Trees } from './testing.ts'

const HELPER = new URL('./helper.ts', import.meta.url).href

/** Processes of this machine that have the word among their arguments. */
function processesWith(word: string): readonly string[] {
  return readdirSync('/proc').filter(pid => {
    if (!/^\d+$/.test(pid)) return false
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0').includes(word)
    } catch {
      return false
    }
  })
}

describe('the helper', () => {
  let trees: Trees
  before(() => {
    trees = makeTrees()
  })
  after(() => trees.remove())

  /** Node with a program that opens a helper on our trees; `request` is there for it. */
  function program(body: string, args: readonly string[]): readonly string[] {
    const request = JSON.stringify(trees.request(args))
    const code = `import { openHelper } from ${JSON.stringify(HELPER)}
      const helper = await openHelper({ root: ${JSON.stringify(trees.root)} })
      const request = ${request}
      ${body}`
    return ['--input-type=module', '--eval', code]
  }

  test('kill -9 of its parent leaves no process and no mount', { timeout: 20_000 }, async () => {
    const word = String(100_000_000 + process.pid)
    const args = ['sh', '-c', `sleep ${word} & echo up; exec sleep ${word}`]
    const body = 'await helper.run(request, { onOutput: () => process.stdout.write("up") })'
    const parent = spawn(process.execPath, program(body, args), { stdio: ['ignore', 'pipe', 'inherit'] })
    await new Promise(resolve => parent.stdout.once('data', resolve))
    // The shell has said it before both are what they are going to be.
    while (processesWith(word).length < 2) await delay(5)
    parent.kill('SIGKILL')
    while (processesWith(word).length > 0) await delay(5)
    assert.equal(readFileSync('/proc/self/mountinfo', 'utf8').includes(trees.root), false)
  })

  test('a program that has opened it and not closed it can end', { timeout: 20_000 }, () => {
    const body = 'console.log((await helper.run(request)).exitCode)'
    const { stdout, status } = spawnSync(process.execPath, program(body, ['true']), { encoding: 'utf8' })
    assert.deepEqual({ stdout, status }, { stdout: '0\n', status: 0 })
  })

  test('inherited streams are the program’s own', { timeout: 20_000 }, () => {
    const body = 'await helper.run({ ...request, config: { ...request.config, stdio: "inherit" } })'
    const { stdout, stderr } = spawnSync(process.execPath, program(body, ['sh', '-c', 'cat; echo err >&2']), {
      encoding: 'utf8',
      input: 'typed',
    })
    assert.deepEqual({ stdout, stderr }, { stdout: 'typed', stderr: 'err\n' })
  })

  test('closing it ends what runs, and then nothing more is taken', async () => {
    const helper = await openHelper({ root: trees.root })
    const running = helper.run(trees.request(['sleep', '100']))
    const refused = assert.rejects(running, { code: 'HELPER_ENDED' })
    await helper.close()
    await refused
    await helper.close()
    await assert.rejects(helper.run(trees.request(['true'])), { code: 'HELPER_ENDED' })
  })
})

describe('layer operations', () => {
  let trees: Trees
  let helper: Helper
  before(async () => {
    trees = makeTrees()
    helper = await openHelper({ root: trees.root })
  })
  after(async () => {
    await helper.close()
    trees.remove()
  })

  test('a run’s upper folder becomes a table, a blob, and a tree again', async () => {
    const at = (name: string): string => join(trees.root, name)
    writeFileSync(at('below'), encodeToc({ entries: [] }))
    const script = 'mkdir /a; echo hello > /a/b; ln -s b /a/c; chmod 640 /a/b; rm /bin/yes'
    const request = trees.request(['sh', '-c', script])
    await helper.run(request)
    await helper.call('diff', { upper: request.upper, below: [at('below')], tocOut: at('toc') })
    const table = decodeToc(readFileSync(at('toc')))
    assert.deepEqual(
      table.entries.filter(({ path }) => path !== '').map(({ path, kind }) => `${kind} ${path}`),
      ['directory a', 'file a/b', 'symlink a/c', 'directory bin'],
    )
    const packed = await helper.call('pack', {
      toc: at('toc'),
      sources: [{ prefix: '', path: request.upper }],
      compression: 'zstd',
      out: at('blob'),
    })
    assert.equal(
      packed.digest,
      `sha256:${createHash('sha256')
        .update(readFileSync(at('blob')))
        .digest('hex')}`,
    )
    const folder = trees.tree('applied')
    const applied = await helper.call('applyBlob', {
      blob: at('blob'),
      compression: 'zstd',
      expected: { diffId: packed.diffId },
      folder,
      tocOut: at('toc2'),
    })
    assert.equal(applied.diffId, packed.diffId)
    assert.deepEqual(readFileSync(at('toc2')), readFileSync(at('toc')))
    const output = collector()
    await helper.run(trees.request(['cat', '/a/c'], {}, { lowers: [trees.base, folder] }), output)
    assert.equal(output.text(), 'hello\n')
  })

  test('files are read beneath their root, trees removed', async () => {
    const root = trees.tree('readable')
    mkdirSync(join(root, 'etc'))
    writeFileSync(join(root, 'etc/passwd'), 'inside')
    const bytes = await helper.call('readFile', { root, path: '/../../etc/passwd' })
    assert.equal(Buffer.from(bytes).toString(), 'inside')
    await assert.rejects(helper.call('readFile', { root, path: 'etc/none' }), { code: 'ENOENT' })
    await assert.rejects(helper.call('readFile', { root, path: 'etc/passwd', limit: 3 }), { code: 'FILE_TOO_LARGE' })
    await helper.call('removeTree', { path: root })
    await helper.call('removeTree', { path: root })
    assert.equal(existsSync(root), false)
  })
})
