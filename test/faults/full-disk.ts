import assert from 'node:assert/strict'
import { existsSync, statfsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mustRun } from '../../scripts/bases/process.ts'
import { assertHealthy } from './aftermath.ts'
import { type DiskCase, diskCases } from './full-disk-cases.ts'
import { type Program, programOn } from './program.ts'
import { EPOCH } from './project.ts'

export interface FullDiskOptions {
  /** Sizes that are tried for each command, from nearly nothing to nearly enough. */
  readonly steps: number
  readonly files: number
  readonly say?: ((progress: string) => void) | undefined
}

export interface FullDiskResult {
  /** Commands that were tried. */
  readonly commands: number
  /** Times that the disk was full, and that it was just enough. */
  readonly full: number
  readonly enough: number
}

/** Why no small disk can be had here, or undefined. */
export function whyNoDisk(): string | undefined {
  return process.getuid?.() === 0 ? undefined : 'mounting a small disk needs root'
}

const LARGE = 1 << 30
const PAGE = 4096
/** Rows alone: what SQLite's log and its index need before the disk is full for it. */
const ROWS = 160 * 1024

/** Runs every command that writes on disks that become full at ever later writes. */
export async function fullDisks({ steps, files, say }: FullDiskOptions): Promise<FullDiskResult> {
  const work = await mkdtemp(join(tmpdir(), 'shale-full-'))
  const disk = join(work, 'disk')
  await mkdir(disk)
  await mount(disk, LARGE)
  const prepared = await diskCases(work, disk, files)
  try {
    const shale = programOn(join(disk, 'store'), EPOCH)
    let [full, enough] = [0, 0]
    for (const one of prepared.cases) {
      const space = await spaceFor(shale, disk, one)
      for (let step = 0; step < steps; step++) {
        const given = Math.round((space * (step + 0.5)) / steps / PAGE) * PAGE
        if (await fillsUp(shale, disk, one, given)) full++
        else enough++
      }
      say?.(`${one.name}: ${full} times full so far`)
    }
    return { commands: prepared.cases.length, full, enough }
  } finally {
    await prepared.end()
    await mustRun('umount', ['-l', disk])
    await rm(work, { recursive: true, force: true })
  }
}

/** The bytes that a command takes from the disk. */
async function spaceFor(shale: Program, disk: string, one: DiskCase): Promise<number> {
  if (one.writes === 'rows') return ROWS
  const before = await prepare(shale, disk, one)
  await shale.must(one.args)
  return used(disk) - before + ROWS
}

/** Gives what is used then. */
async function prepare(shale: Program, disk: string, one: DiskCase): Promise<number> {
  await resize(disk, LARGE)
  for (const name of await readdir(disk)) await rm(join(disk, name), { recursive: true })
  for (const args of one.before) await shale.must(args)
  return used(disk)
}

/** True when the disk was full. In any case the store is whole, and works when there is space again. */
async function fillsUp(shale: Program, disk: string, one: DiskCase, space: number): Promise<boolean> {
  await resize(disk, (await prepare(shale, disk, one)) + space)
  const { code, stderr } = await shale.call(one.args)
  try {
    if (code !== 0) {
      assertNamed(one, stderr, disk)
      await assertTempIsEmpty(shale, disk)
    }
    await resize(disk, LARGE)
    if (existsSync(join(shale.root, 'shale.db'))) assert.equal((await assertHealthy(shale)).repaired, 0)
    const again = await shale.call(one.args)
    // What was removed before the disk was full stays removed.
    assert.ok(again.code === 0 || /No such image/.test(again.stderr), again.stderr)
    await one.done(shale)
    assert.equal((await assertHealthy(shale)).repaired, 0)
    return code !== 0
  } catch (cause) {
    const what = `shale ${one.name} with ${space} bytes left`
    throw new Error(`${what}: ${(cause as Error).message}\n${stderr}`, { cause })
  }
}

function assertNamed(one: DiskCase, stderr: string, disk: string): void {
  if (one.runsCommands && /No space left on device/.test(stderr)) return
  assert.match(stderr, /^ERROR: .*no space left on the disk/m)
  assert.ok(stderr.includes(disk), 'it says where')
}

/** What the command had begun takes no space any more. */
async function assertTempIsEmpty(shale: Program, disk: string): Promise<void> {
  const names = await readdir(join(shale.root, 'tmp')).catch(() => [])
  assert.deepEqual(names, [], 'space is given back')
  assert.deepEqual(await readdir(disk), existsSync(shale.root) ? ['store'] : [], 'nothing half-written is left')
}

function used(path: string): number {
  const { blocks, bfree, bsize } = statfsSync(path)
  return (blocks - bfree) * bsize
}

async function mount(path: string, size: number): Promise<void> {
  await mustRun('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path])
}

async function resize(path: string, size: number): Promise<void> {
  await mustRun('mount', ['-o', `remount,size=${size}`, path])
}
