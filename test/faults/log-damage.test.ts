import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { mustRun } from '../../scripts/bases/process.ts'
import { assertHealthy } from './aftermath.ts'
import { type Program, programOn } from './program.ts'
import { EPOCH, writeProject } from './project.ts'

/*
 * What the database's write-ahead log holds is not in the database yet: as after a crash of the machine, or in a backup
 * that left files out. Losing it loses the names of the last commands, never an image's truth.
 */

let work = ''
let build: readonly string[] = []
const ids = { first: '', second: '' }

before(async () => {
  work = await mkdtemp(join(tmpdir(), 'shale-log-'))
  const [first, second] = await Promise.all([1, 2].map(seed => writeProject(join(work, `p${seed}`), 30, seed)))
  build = ['build', '-q', '-t', 'second:1', second as string]
  const shale = programOn(join(work, 'live'), EPOCH)
  ids.first = (await shale.must(['build', '-q', '-t', 'first:1', first as string])).trim()
  // While somebody reads, nothing that is written from now on can leave the log.
  const reader = new DatabaseSync(join(shale.root, 'shale.db'))
  reader.exec('BEGIN; SELECT count(*) FROM images')
  ids.second = (await shale.must(build)).trim()
  await shale.must(['tag', 'first:1', 'other:1'])
  await mustRun('cp', ['-a', shale.root, join(work, 'crashed')])
  reader.close()
})

after(() => rm(work, { recursive: true, force: true }))

async function crashed(name: string): Promise<Program> {
  const root = join(work, name.replaceAll(' ', '-'))
  await mustRun('cp', ['-a', join(work, 'crashed'), root])
  return programOn(root, EPOCH)
}

const logOf = (root: string): string => join(root, 'shale.db-wal')

function changeLog(root: string, change: (bytes: Buffer) => void): void {
  const bytes = readFileSync(logOf(root))
  change(bytes)
  writeFileSync(logOf(root), bytes)
}

const namesOf = async (shale: Program): Promise<readonly string[]> =>
  (await shale.must(['images', '--format', '{{.Repository}}'])).split('\n').filter(Boolean).toSorted()

test('a log that was never written back is read', async () => {
  const shale = await crashed('whole')
  assert.ok(statSync(logOf(shale.root)).size > 10_000, 'there is something in the log')
  assert.deepEqual(await namesOf(shale), ['first', 'other', 'second'])
  assert.equal((await assertHealthy(shale)).repaired, 0)
})

interface Row {
  readonly what: string
  readonly to: (root: string) => void
  /** Names that are still there; undefined where it depends on which pages of the log are whole. */
  readonly names?: readonly string[]
}

const ROWS: readonly Row[] = [
  { what: 'is gone', to: root => rmSync(logOf(root)), names: ['first'] },
  {
    what: 'is gone with its index',
    to: root => {
      for (const suffix of ['-wal', '-shm']) rmSync(join(root, `shale.db${suffix}`))
    },
    names: ['first'],
  },
  { what: 'is cut in half', to: root => truncateSync(logOf(root), statSync(logOf(root)).size >> 1) },
  {
    what: 'has a flipped bit in its first page',
    to: root =>
      changeLog(root, bytes => {
        bytes[1000] = (bytes[1000] ?? 0) ^ 1
      }),
    names: ['first'],
  },
  {
    what: 'has a flipped bit in its middle',
    to: root =>
      changeLog(root, bytes => {
        const middle = bytes.length >> 1
        bytes[middle] = (bytes[middle] ?? 0) ^ 1
      }),
  },
  { what: 'is garbage', to: root => changeLog(root, bytes => bytes.fill(0x5a)), names: ['first'] },
]

for (const { what, to, names } of ROWS) {
  test(`a log that ${what}: what was committed before is there, and the rest is made again`, async () => {
    const shale = await crashed(what)
    to(shale.root)
    const left = await namesOf(shale)
    assert.ok(left.includes('first'), `left: ${left}`)
    if (names !== undefined) assert.deepEqual(left, names)
    await assertHealthy(shale)
    assert.equal((await shale.must(['images', '-q', '--no-trunc', 'first:1'])).trim(), ids.first)
    assert.equal((await shale.must(build)).trim(), ids.second)
    await shale.must(['save', '-o', join(shale.root, 'first.tar'), 'first:1'])
    assert.equal((await assertHealthy(shale)).repaired, 0)
    assert.ok(!existsSync(`${join(shale.root, 'shale.db')}.damaged-1`), 'the database was not given up')
  })
}
