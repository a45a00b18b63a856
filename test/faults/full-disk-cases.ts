import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type ServerProcess, startServe } from '../registry/server-process.ts'
import { type Program, programOn } from './program.ts'
import { EPOCH, writeProject } from './project.ts'

/** A command that writes, and what must be true before and after it. */
export interface DiskCase {
  readonly name: string
  /** Commands that make what it needs, on a disk with space. */
  readonly before: readonly (readonly string[])[]
  readonly args: readonly string[]
  /** It writes a container's files too: then the command inside may say first that the disk is full. */
  readonly runsCommands?: boolean
  /** How much it writes: bulk, or rows only. */
  readonly writes: 'bulk' | 'rows'
  readonly done: (shale: Program) => Promise<void>
}

export interface DiskCases {
  readonly cases: readonly DiskCase[]
  /** Stops what the cases need. */
  readonly end: () => Promise<void>
}

/** Prepares cases whose store is below `disk`; what else they need is below `work`. */
export async function diskCases(work: string, disk: string, files: number): Promise<DiskCases> {
  const project = await writeProject(join(work, 'project'), files)
  const [archive, saved] = [join(work, 'app.tar'), join(disk, 'saved.tar')]
  const build = ['build', '-q', '-t', 'app:1', project]
  const server = await startServe(join(work, 'registry'))
  const elsewhere = programOn(join(work, 'elsewhere'), EPOCH)
  const remote = `${server.host}/app:1`
  const id = (await elsewhere.must(build)).trim()
  await elsewhere.must(['save', '--format', 'oci-archive', '-o', archive, 'app:1'])
  await elsewhere.must(['tag', 'app:1', remote])
  await elsewhere.must(['push', '-q', remote])
  const names = { project, archive, saved, remote, build, id }
  return { cases: casesOf(names), end: () => stop(server) }
}

async function stop(server: ServerProcess): Promise<void> {
  assert.equal(await server.stop(), 0)
}

interface Names {
  readonly archive: string
  readonly saved: string
  readonly remote: string
  readonly build: readonly string[]
  readonly id: string
}

function casesOf({ archive, saved, remote, build, id }: Names): readonly DiskCase[] {
  const load = ['load', '-q', '-i', archive]
  const points = (name: string) => async (shale: Program) =>
    assert.equal((await shale.must(['images', '-q', '--no-trunc', name])).trim(), id, name)
  const isGone = (name: string) => async (shale: Program) =>
    assert.equal((await shale.must(['images', '-q', name])).trim(), '', name)
  return [
    { name: 'build', before: [], args: build, runsCommands: true, writes: 'bulk', done: points('app:1') },
    { name: 'load', before: [], args: load, writes: 'bulk', done: points('app:1') },
    { name: 'pull', before: [], args: ['pull', '-q', remote], writes: 'bulk', done: points(remote) },
    {
      name: 'run',
      before: [load],
      args: ['run', '--rm', 'app:1', '/bin/sh', '-c', 'cat /sum > /copy'],
      runsCommands: true,
      writes: 'bulk',
      done: points('app:1'),
    },
    {
      name: 'save',
      before: [load],
      args: ['save', '-o', saved, 'app:1'],
      writes: 'bulk',
      async done(shale) {
        assert.ok(existsSync(saved))
        await rm(saved)
        await points('app:1')(shale)
      },
    },
    { name: 'tag', before: [load], args: ['tag', 'app:1', 'other:1'], writes: 'rows', done: points('other:1') },
    { name: 'rmi', before: [load], args: ['rmi', '-f', 'app:1'], writes: 'rows', done: isGone('app:1') },
    {
      name: 'push',
      before: [['pull', '-q', remote]],
      args: ['push', '-q', remote],
      writes: 'rows',
      done: points(remote),
    },
    { name: 'image prune', before: [load], args: ['image', 'prune', '-af'], writes: 'rows', done: isGone('app:1') },
    {
      name: 'system prune',
      before: [build],
      args: ['system', 'prune', '-af'],
      writes: 'rows',
      done: isGone('app:1'),
    },
    {
      name: 'system check',
      before: [build],
      args: ['system', 'check', '--repair'],
      writes: 'rows',
      done: points('app:1'),
    },
  ]
}
