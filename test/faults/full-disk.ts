import assert from 'node:assert/strict'
import { statfsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mustRun } from '../../scripts/bases/process.ts'
import { assertHealthy } from './aftermath.ts'
import { type Program, programOn } from './program.ts'
import { EPOCH, writeProject } from './project.ts'

export interface FullDiskOptions {
  /** Sizes that are tried for each command, from nearly nothing to nearly enough. */
  readonly steps: number
  readonly files: number
}

export interface FullDiskResult {
  /** Times that the disk was full, and that it was just enough. */
  readonly full: number
  readonly enough: number
}

/** Why no small disk can be had here, or undefined. */
export function whyNoDisk(): string | undefined {
  return process.getuid?.() === 0 ? undefined : 'mounting a small disk needs root'
}

const LARGE = 1 << 30
/** SQLite needs that much to open a store at all. */
const SMALLEST = 160 * 1024

/** Runs build and load on disks that become full at ever later writes. */
export async function fullDisks(options: FullDiskOptions): Promise<FullDiskResult> {
  const work = await mkdtemp(join(tmpdir(), 'shale-full-'))
  const disk = join(work, 'disk')
  await mkdir(disk)
  await mount(disk, LARGE)
  try {
    const project = await writeProject(join(work, 'project'), options.files)
    const archive = join(work, 'app.tar')
    const shale = programOn(join(disk, 'store'), EPOCH)
    const build = ['build', '-q', '-t', 'app:1', project]
    await shale.must(build)
    await shale.must(['save', '--format', 'oci-archive', '-o', archive, 'app:1'])
    const id = (await shale.must(['images', '-q', '--no-trunc', 'app:1'])).trim()
    let [full, enough] = [0, 0]
    for (const command of [build, ['load', '-i', archive]]) {
      await empty(shale, disk)
      await shale.must(command)
      const needed = used(disk)
      for (let step = 0; step < options.steps; step++) {
        await empty(shale, disk)
        const size = Math.round(SMALLEST + (needed - SMALLEST) * ((step + 0.5) / options.steps))
        if (await fillsUp(shale, disk, size, { command, id })) full++
        else enough++
      }
    }
    return { full, enough }
  } finally {
    await mustRun('umount', ['-l', disk])
    await rm(work, { recursive: true, force: true })
  }
}

interface Expected {
  readonly command: readonly string[]
  readonly id: string
}

/** True when the disk was full. In any case the store is whole, and works when there is space again. */
async function fillsUp(shale: Program, disk: string, size: number, { command, id }: Expected): Promise<boolean> {
  await resize(disk, size)
  const { code, stderr } = await shale.call(command)
  const what = `shale ${command[0]} on a disk of ${size} bytes`
  try {
    if (code !== 0) {
      // The second form is a RUN's own command's, which names what it likes.
      assert.match(stderr, /^ERROR: .*no space left on the disk|No space left on device/m, what)
      if (/^ERROR: .*no space left on the disk/m.test(stderr)) assert.ok(stderr.includes(disk), 'it says where')
      else assert.equal(command[0], 'build', 'it says where')
      await assertTempIsEmpty(shale)
    }
    await resize(disk, LARGE)
    assert.equal((await assertHealthy(shale)).repaired, 0)
    await shale.must(command)
    assert.equal((await shale.must(['images', '-q', '--no-trunc', 'app:1'])).trim(), id)
    assert.equal((await assertHealthy(shale)).repaired, 0)
    return code !== 0
  } catch (cause) {
    throw new Error(`${what}: ${(cause as Error).message}\n${stderr}`, { cause })
  }
}

/** What the command had begun takes no space any more. */
async function assertTempIsEmpty(shale: Program): Promise<void> {
  const names = await readdir(join(shale.root, 'tmp')).catch(() => [])
  assert.deepEqual(names, [], 'space is given back')
}

async function empty(shale: Program, disk: string): Promise<void> {
  await resize(disk, LARGE)
  await rm(shale.root, { recursive: true, force: true })
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
