import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { mustRun, type Outcome } from '../../scripts/bases/process.ts'
import { checkStore, type Finding } from '../../src/store/check.ts'
import { openStore } from '../../src/store/open.ts'
import { sample } from '../support/sample.ts'
import { DAMAGES, DATABASE_DAMAGES } from './damages.ts'
import { type Program, programOn } from './program.ts'
import { EPOCH, writeProject } from './project.ts'

let work = ''
let id = ''
let build: readonly string[] = []

/** What a user may see of a damaged store. */
const NAMED =
  /^(?:Unable to find image|ERROR: .*(?:damaged|lost|incomplete|does not have|not in the store|No such image|lacks))/m

before(async () => {
  work = await mkdtemp(join(tmpdir(), 'shale-damage-'))
  build = ['build', '-q', '-t', 'app:1', await writeProject(join(work, 'project'), 60)]
  id = (await programOn(join(work, 'whole'), EPOCH).must(build)).trim()
})

after(() => rm(work, { recursive: true, force: true }))

async function copyOfStore(name: string): Promise<Program> {
  const root = join(work, name.replaceAll(' ', '-'))
  await mustRun('cp', ['-a', join(work, 'whole'), root])
  return programOn(root, EPOCH)
}

async function check({ root }: Program, repair = false) {
  const store = openStore({ root })
  try {
    const { findings, left } = await checkStore(store, { repair })
    return { found: kindsOf(findings), left: kindsOf(left) }
  } finally {
    store.close()
  }
}

function kindsOf(findings: readonly Finding[]): readonly string[] {
  return [...new Set(findings.map(({ kind }) => kind))].sort()
}

/** Right, or wrong in words that name what is damaged: never a wrong image and never a bug. */
function assertRightOrNamed(what: string, { code, stderr }: Outcome): void {
  assert.doesNotMatch(stderr, /bug in Shale/, what)
  if (code !== 0) assert.match(stderr, NAMED, what)
}

async function assertWholeAgain(shale: Program): Promise<void> {
  assert.equal((await shale.must(build)).trim(), id)
  await shale.must(['save', '-o', join(shale.root, 'app.tar'), 'app:1'])
  assert.match(await shale.must(['run', '--rm', 'app:1', '/bin/sh', '-c', 'cat /sum']), /^[0-9a-f]{64} {2}-\n$/)
  assert.deepEqual(await check(shale), { found: [], left: [] })
}

for (const { name, to, found, left = [] } of DAMAGES) {
  test(`${name}: found by a check and repaired`, async () => {
    const shale = await copyOfStore(name)
    to(shale.root)
    assert.deepEqual(await check(shale), { found, left: found })
    assert.deepEqual((await check(shale, true)).left, left)
    assert.deepEqual(await check(shale), { found: left, left })
  })
}

for (const { name, to } of sample(DAMAGES, 3)) {
  test(`${name}: healed or named by whoever reads it`, async () => {
    const shale = await copyOfStore(`read ${name}`)
    to(shale.root)
    const commands = [
      ['save', '-o', join(work, 'app.tar'), 'app:1'],
      ['run', '--rm', 'app:1', '/bin/sh', '-c', 'cat /sum'],
      build,
    ]
    for (const command of commands) assertRightOrNamed(command.join(' '), await shale.call(command))
    await check(shale, true)
    await assertWholeAgain(shale)
  })
}

test('system check tells what it found in lines and as JSON, and ends with 1 until all is repaired', async () => {
  const shale = await copyOfStore('told')
  DAMAGES.find(({ name }) => name === 'a changed file in a tree')?.to(shale.root)
  const looked = await shale.call(['system', 'check'])
  assert.equal(looked.code, 1)
  assert.match(
    looked.stdout,
    /^tree: the unpacked layer .* is damaged: .* has 7 bytes instead of \d+\n {2}with --repair: /,
  )
  assert.match(
    looked.stdout,
    /\n1 problem; run it with --repair \(\d+ blobs and \d unpacked layers, [\d.]+MB, in .*\)\n$/,
  )
  const json = JSON.parse((await shale.call(['system', 'check', '--format', 'json'])).stdout)
  assert.deepEqual([json.clean, json.findings.length, json.findings[0].kind], [false, 1, 'tree'])
  assert.match(await shale.must(['system', 'check', '--repair']), / {2}repaired: .*\n1 problem, all repaired/)
  assert.match(await shale.must(['system', 'check']), /^All is well/)
})

for (const { name, to } of DATABASE_DAMAGES) {
  test(`a database ${name} is named, and made anew from the blobs`, async () => {
    const shale = await copyOfStore(`database ${name}`)
    to(shale.root)
    const { code, stderr } = await shale.call(['system', 'check'])
    assert.equal(code, 1)
    assert.match(stderr, /^ERROR: the store's database .*shale\.db is damaged: .*\nhint: `shale system check --repair`/)
    const repair = await shale.call(['system', 'check', '--repair'])
    assert.equal(repair.code, 0, `${repair.stdout}${repair.stderr}`)
    assert.match(repair.stdout, /^database: made anew from the blobs, with 1 images.*\n {2}the damaged one is kept as /)
    assert.equal((await shale.must(['images', '-aq', '--no-trunc'])).trim(), id)
    await assertWholeAgain(shale)
  })
}
