import assert from 'node:assert/strict'
import { createWriteStream } from 'node:fs'
import { cp, mkdir, mkdtemp, rename, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { after, before, describe, test } from 'node:test'
import { mustRun } from '../../scripts/bases/process.ts'
import { build, openStore, saveArchive, saveLayout } from '../../src/index.ts'
import { busyboxRootfs } from '../support/busybox.ts'
import { fixtureTree } from '../support/fixture.ts'
import { type BuildCase, COPY_CASES } from './build-cases.ts'
import { LEFT_OUT, RUN_CASES } from './build-cases-run.ts'
import { CONTEXT_TIME, contextArchives, describeImage, differences, unpackAll } from './build-compare.ts'
import { KNOWN, type KnownDifference } from './build-differences.ts'
import { type DockerEngine, startDocker } from './docker.ts'
import { whyNoPeers } from './root.ts'

const CASES = [...COPY_CASES, ...RUN_CASES]
const BIN = join(import.meta.dirname, '../../bin/shale')
const reason = whyNoPeers()

/** One store, one engine, and all images of both, unpacked. */
class Comparison {
  readonly work: string
  readonly root: string
  readonly store: ReturnType<typeof openStore>
  readonly engine: DockerEngine
  /** Cases that one of the two refused, and what it said. */
  readonly failures = new Map<string, string>()

  constructor(work: string, engine: DockerEngine) {
    this.work = work
    this.root = join(work, 'store')
    this.store = openStore({ root: this.root })
    this.engine = engine
  }

  /** Bases for both: Debian's static busybox, and the same with /bin as a link to usr/bin. */
  async bases(): Promise<void> {
    const plain = join(this.work, 'base')
    await cp(await busyboxRootfs(), plain, { recursive: true, verbatimSymlinks: true })
    const merged = join(this.work, 'merged')
    await cp(plain, merged, { recursive: true, verbatimSymlinks: true })
    await rm(join(merged, 'usr/bin'), { recursive: true })
    await rename(join(merged, 'bin'), join(merged, 'usr/bin'))
    await symlink('usr/bin', join(merged, 'bin'))
    for (const [tag, context] of Object.entries({ base: plain, merged })) {
      const dockerfileText = 'FROM scratch\nCOPY . /\nENV PATH=/usr/sbin:/usr/bin:/sbin:/bin\nCMD ["sh"]\n'
      await build(this.store, { context, dockerfileText, tags: [tag], compression: 'none' })
    }
    await this.load('bases.tar', ['base', 'merged'])
  }

  /** Takes images of Shale into Docker Engine. */
  async load(file: string, names: readonly string[]): Promise<void> {
    const path = join(this.work, file)
    await pipeline(saveArchive(this.store, names), createWriteStream(path))
    await this.engine.docker('load', '-q', '-i', path)
  }

  async context(each: BuildCase, archives: Readonly<Record<string, Uint8Array>>): Promise<string> {
    const folder = join(this.work, 'contexts', each.name)
    const chosen = (each.archives ?? []).map(name => [name, archives[name] ?? ''] as const)
    await fixtureTree(folder, { ...each.context, ...Object.fromEntries(chosen) })
    await fixtureTree(join(this.work, 'dockerfiles'), { [each.name]: each.dockerfile })
    await mustRun('find', [folder, '-exec', 'touch', '-h', '-d', `@${CONTEXT_TIME}`, '{}', '+'])
    return folder
  }

  async buildBoth(each: BuildCase, archives: Readonly<Record<string, Uint8Array>>): Promise<void> {
    const context = await this.context(each, archives)
    const tags = [`ours:${each.name}`]
    const file = join(this.work, 'dockerfiles', each.name)
    const docker = this.engine.docker('build', '-q', '--network=host', '-f', file, '-t', `theirs:${each.name}`, context)
    const options = { context, dockerfileText: each.dockerfile, tags, compression: 'none' } as const
    const [theirs, ours] = await Promise.allSettled([docker, build(this.store, options)])
    const failed = [theirs, ours].flatMap(result => (result.status === 'rejected' ? [String(result.reason)] : []))
    if (failed.length > 0) this.failures.set(each.name, failed.join('\n'))
  }

  async unpack(): Promise<void> {
    const names = CASES.map(each => each.name).filter(name => !this.failures.has(name))
    await saveLayout(
      this.store,
      names.map(name => `ours:${name}`),
      join(this.work, 'ours'),
    )
    const tar = join(this.work, 'theirs.tar')
    await this.engine.docker('save', '-o', tar, ...names.map(name => `theirs:${name}`))
    await mkdir(join(this.work, 'theirs'))
    await mustRun('tar', ['-C', join(this.work, 'theirs'), '-xf', tar])
    for (const side of ['ours', 'theirs']) {
      await unpackAll(this.work, join(this.work, side), names, join(this.work, `${side}-trees`))
    }
  }

  differences(name: string): readonly string[] {
    const image = (side: string) => describeImage(join(this.work, side), name, join(this.work, `${side}-trees`, name))
    return differences(image('theirs'), image('ours'))
  }

  async close(): Promise<void> {
    this.store.close()
    await this.engine.stop()
    await mustRun('rm', ['-rf', '--one-file-system', this.work])
  }
}

async function compareAll(): Promise<Comparison> {
  const work = await mkdtemp(join(tmpdir(), 'shale-compare-'))
  const comparison = new Comparison(work, await startDocker([work]))
  try {
    await comparison.bases()
    const archives = await contextArchives(join(work, 'archived'))
    for (const each of CASES) await comparison.buildBoth(each, archives)
    await comparison.unpack()
    return comparison
  } catch (error) {
    await comparison.close()
    throw error
  }
}

if (reason !== undefined) console.log(`builds are not compared with Docker Engine here: ${reason}`)
else {
  describe('Shale builds what Docker Engine builds', () => {
    let both: Comparison
    before(async () => {
      both = await compareAll()
    })
    after(() => both?.close())

    const seen = new Set<KnownDifference>()
    for (const { name } of CASES) {
      test(name, () => {
        assert.equal(both.failures.get(name), undefined)
        const unknown = both.differences(name).filter(line => {
          const known = KNOWN.filter(each => (each.of ?? name) === name && each.line.test(line))
          for (const each of known) seen.add(each)
          return known.length === 0
        })
        assert.deepEqual(unknown, [])
      })
    }

    test('every known difference is still there', () => {
      assert.deepEqual(
        KNOWN.filter(each => !seen.has(each)),
        [],
      )
    })

    test('a folder is copied onto a link to a folder, which Docker refuses', async () => {
      const text = 'FROM merged\nCOPY tree /\n'
      const context = await fixtureTree(join(both.work, 'onto-link'), { 'tree/bin/other': 'o', Dockerfile: text })
      await assert.rejects(both.engine.docker('build', '-q', context), /cannot copy to non-directory/)
      await build(both.store, { context })
    })

    for (const text of LEFT_OUT) {
      test(`Docker's own frontend lacks ${text.split('\n')[1]}`, async () => {
        const context = await fixtureTree(join(both.work, 'left-out'), { f: 'F', Dockerfile: text })
        await assert.rejects(both.engine.docker('build', '-q', context))
        await build(both.store, { context })
      })
    }

    test('an image that Shale built prints the same under docker run and shale run', async () => {
      const runnable = CASES.filter(each => each.run !== undefined)
      await both.load(
        'runnable.tar',
        runnable.map(each => `ours:${each.name}`),
      )
      for (const { name, run = [] } of runnable) {
        const args = ['run', '--rm', '--network=none', `ours:${name}`, ...run]
        const docker = await both.engine.docker(...args)
        const shale = await mustRun(process.execPath, [BIN, '--root', both.root, ...args])
        assert.equal(shale, docker, name)
      }
    })
  })
}
