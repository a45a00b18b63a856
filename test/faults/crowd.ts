import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Outcome } from '../../scripts/bases/process.ts'
import { openStore } from '../../src/store/open.ts'
import { assertHealthy } from './aftermath.ts'
import { type Program, programOn } from './program.ts'
import { EPOCH, writeProject } from './project.ts'
import { seeded } from './random.ts'

export interface CrowdOptions {
  readonly processes: number
  readonly files: number
  readonly seed: number
  /** How many of them are killed on the way; the others must not notice. */
  readonly killed?: number | undefined
}

export interface CrowdResult {
  readonly processes: number
  readonly killed: number
  readonly durationMs: number
}

interface Member {
  readonly args: readonly string[]
  /** Of a build: all builds of one project give one image. */
  readonly project?: string
  /** What it may say instead of succeeding; another was faster. */
  readonly mayFail?: RegExp
}

/** Starts that many commands at once on one store: builds of the same and of different projects, tags, prunes, rmi. */
export async function crowd(options: CrowdOptions): Promise<CrowdResult> {
  const work = await mkdtemp(join(tmpdir(), 'shale-crowd-'))
  try {
    const projects = await Promise.all([1, 2, 3].map(seed => writeProject(join(work, `p${seed}`), options.files, seed)))
    const shale = programOn(join(work, 'store'), EPOCH)
    await shale.must(['build', '-q', '-t', 'base:1', projects[0] as string])
    const start = performance.now()
    const members = Array.from({ length: options.processes }, (_, at) => memberOf(at, projects))
    const [outcomes] = await Promise.all([
      Promise.all(members.map(({ args }) => shale.call(args))),
      killSome(shale, projects[2] as string, options),
    ])
    const durationMs = Math.round(performance.now() - start)
    assertAllSucceeded(members, outcomes)
    assert.equal((await assertHealthy(shale)).repaired, 0)
    assertNoLocks(shale.root, options.killed ?? 0)
    return { processes: options.processes, killed: options.killed ?? 0, durationMs }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** Half of them build; three builds in a row are of different projects, the fourth is of the first again. */
function memberOf(at: number, projects: readonly string[]): Member {
  const build = (project: string): Member => ({ args: ['build', '-q', '-t', `app${at}:1`, project], project })
  switch (at % 8) {
    case 0:
    case 2:
    case 4:
    case 6:
      return build(projects[(at / 2) % projects.length] as string)
    case 1:
      return { args: ['tag', 'base:1', `tagged${at}:1`] }
    case 3:
      return { args: ['image', 'prune', '-f'] }
    case 5:
      return { args: ['rmi', `tagged${at - 4}:1`], mayFail: /No such image/ }
    default:
      return { args: ['builder', 'prune', '-af'] }
  }
}

/** Builds that die while the others work. */
async function killSome(shale: Program, project: string, { killed = 0, seed }: CrowdOptions): Promise<void> {
  const random = seeded(seed)
  const victims = Array.from({ length: killed }, (_, at) => ({ tag: `killed${at}:1`, after: 200 + 2000 * random() }))
  await Promise.all(victims.map(({ tag, after }) => shale.killAlone(['build', '-q', '-t', tag, project], after)))
}

function assertAllSucceeded(members: readonly Member[], outcomes: readonly Outcome[]): void {
  const images = new Map<string, string>()
  for (const [at, { args, project, mayFail }] of members.entries()) {
    const { code, stdout, stderr } = outcomes[at] as Outcome
    const excused = mayFail?.test(stderr) ?? false
    assert.ok(code === 0 || excused, `shale ${args.join(' ')}: exit code ${code}\n${stderr}`)
    if (project === undefined) continue
    assert.equal(stdout.trim(), images.get(project) ?? stdout.trim(), 'the same project gives the same image')
    images.set(project, stdout.trim())
  }
}

/** Leases are only those of the killed, and they hold nothing up: writing needs no waiting. */
function assertNoLocks(root: string, killed: number): void {
  const store = openStore({ root })
  try {
    const leases = store.database.all('SELECT id FROM leases')
    assert.ok(leases.length <= killed, `${leases.length} leases are left of ${killed} killed processes`)
    const start = performance.now()
    store.lease('test').end()
    assert.ok(performance.now() - start < 5_000, 'no lock is held')
  } finally {
    store.close()
  }
}
