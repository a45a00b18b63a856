import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { assertCollectable, assertHealthy } from './aftermath.ts'
import { type Program, programOn } from './program.ts'
import { EPOCH, writeProject } from './project.ts'
import { seeded } from './random.ts'
import type { VerifyImages } from './skopeo.ts'

export interface KillOptions {
  /** Each kills five commands: build, tag, rmi, prune, load. There are more when a command ends before its kill. */
  readonly rounds: number
  readonly files: number
  readonly seed: number
  /** A second opinion on every image that survives. */
  readonly verify?: VerifyImages | undefined
  readonly onRound?: ((round: number, kills: number) => void) | undefined
}

export interface KillResult {
  readonly kills: number
  /** Commands that had ended before their kill came. */
  readonly late: number
  /** Problems that checks found and repaired. */
  readonly repaired: number
  readonly verified: number
  /** Of each command when nobody kills it. */
  readonly durationsMs: Readonly<Record<string, number>>
}

/** A command to be killed, and what must be true when it has been run again. */
interface Victim {
  readonly name: string
  readonly args: readonly string[]
  /** Runs it again, to its end, and then the build, which must give the same image. */
  readonly complete: (shale: Program) => Promise<void>
}

interface Bench {
  readonly work: string
  readonly id: string
  readonly victims: readonly Victim[]
}

/** Kills commands at instants spread over their duration, in a fresh store each round, and looks at what is left. */
export async function killRounds(options: KillOptions): Promise<KillResult> {
  const work = await mkdtemp(join(tmpdir(), 'shale-faults-'))
  try {
    const bench = await prepare(work, options.files)
    const durationsMs = await measure(bench)
    const random = seeded(options.seed)
    let result: KillResult = { kills: 0, late: 0, repaired: 0, verified: 0, durationsMs }
    const wanted = options.rounds * bench.victims.length
    for (let round = 0; result.kills < wanted && round < 2 * options.rounds; round++) {
      // One instant in each of as many equal parts as there are rounds; then again for those that came too late.
      const instants = bench.victims.map(() => ((round % options.rounds) + random()) / options.rounds)
      result = await killRound(bench, options, instants, result)
      options.onRound?.(round, result.kills)
    }
    return result
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function prepare(work: string, files: number): Promise<Bench> {
  const project = await writeProject(join(work, 'project'), files)
  const archive = join(work, 'app.tar')
  const build = ['build', '-q', '-t', 'app:1', project]
  const shale = programOn(join(work, 'reference'), EPOCH)
  const id = (await shale.must(build)).trim()
  await shale.must(['save', '--format', 'oci-archive', '-o', archive, 'app:1'])
  await rm(shale.root, { recursive: true, force: true })
  return { work, id, victims: victimsOf(id, build, archive) }
}

/** In this order each finds what it needs. */
function victimsOf(id: string, build: readonly string[], archive: string): readonly Victim[] {
  const points = async (shale: Program, name: string) =>
    assert.equal((await shale.must(['images', '-q', '--no-trunc', name])).trim(), id, name)
  const build1 = async (shale: Program) => {
    assert.equal((await shale.must(build)).trim(), id, 'the build gives the same image')
  }
  const load = ['load', '-i', archive]
  return [
    { name: 'build', args: build, complete: build1 },
    {
      name: 'tag',
      args: ['tag', 'app:1', 'other:1'],
      async complete(shale) {
        await shale.must(this.args)
        await points(shale, 'other:1')
        await build1(shale)
      },
    },
    {
      name: 'rmi',
      args: ['rmi', 'other:1', 'app:1'],
      async complete(shale) {
        const { code, stderr } = await shale.call(this.args)
        assert.ok(code === 0 || /No such image/.test(stderr), stderr)
        assert.equal((await shale.must(['images', '-q'])).trim(), '')
        await build1(shale)
        await shale.must(['rmi', '-f', 'app:1'])
      },
    },
    {
      name: 'prune',
      args: ['system', 'prune', '-af'],
      async complete(shale) {
        await shale.must(this.args)
        // What is gone is made again, what was half gone is not taken for whole.
        await build1(shale)
        await shale.must(['rmi', '-f', 'app:1'])
        await shale.must(this.args)
      },
    },
    {
      name: 'load',
      args: load,
      async complete(shale) {
        await shale.must(load)
        await points(shale, 'app:1')
        await build1(shale)
      },
    },
  ]
}

/** How long each command takes when nobody kills it: the shorter of two, so that few kills come too late. */
async function measure({ work, victims }: Bench): Promise<Readonly<Record<string, number>>> {
  const durations: Record<string, number> = {}
  for (let time = 0; time < 2; time++) {
    const shale = programOn(join(work, 'measured'), EPOCH)
    for (const { name, args } of victims) {
      const start = performance.now()
      await shale.must(args)
      durations[name] = Math.min(durations[name] ?? Number.POSITIVE_INFINITY, Math.round(performance.now() - start))
    }
    await rm(shale.root, { recursive: true, force: true })
  }
  return durations
}

async function killRound(
  { work, victims }: Bench,
  { verify }: KillOptions,
  instants: readonly number[],
  before: KillResult,
): Promise<KillResult> {
  const shale = programOn(join(work, 'store'), EPOCH)
  let { kills, late, repaired, verified } = before
  for (const [at, victim] of victims.entries()) {
    const after = (instants[at] ?? 0) * (before.durationsMs[victim.name] ?? 0)
    try {
      if (await shale.kill(victim.args, after)) kills++
      else late++
      repaired += (await assertHealthy(shale)).repaired
      verified += (await verify?.(shale, work)) ?? 0
      await victim.complete(shale)
      const health = await assertHealthy(shale)
      assert.equal(health.repaired, 0, 'the completed command leaves nothing to repair')
    } catch (cause) {
      throw new Error(`${victim.name}, killed after ${after.toFixed(1)} ms: ${(cause as Error).message}`, { cause })
    }
  }
  verified += (await verify?.(shale, work)) ?? 0
  await assertCollectable(shale)
  await rm(shale.root, { recursive: true, force: true })
  return { ...before, kills, late, repaired, verified }
}
