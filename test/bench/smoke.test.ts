import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { CASES } from '../../bench/cases.ts'
import { openShale } from '../../bench/engines/shale.ts'
import { isMet, table } from '../../bench/report.ts'
import { runScenario } from '../../bench/run.ts'
import { openStock } from '../../bench/stock.ts'
import { tmp } from '../support/shale.ts'

const FILES = 2_000
const WANTED = ['first', 'unchanged', 'one-changed', 'memory']

test('the benchmark measures Shale alone, on a small tree, and leaves no store', async t => {
  const work = await tmp(t, 'bench')
  const shale = await openShale(work)
  const log: string[] = []
  const bench = {
    engines: [shale],
    absent: { docker: 'not installed (no root)', buildah: 'not installed (no root)' },
    stock: openStock(work, FILES),
    work,
    files: FILES,
    runs: 1,
    caches: ['warm'],
    log: (line: string) => log.push(line),
  } as const
  const cases = CASES.filter(each => WANTED.includes(each.name))
  const rows = []
  for (const scenario of ['tree', 'memory'] as const) {
    rows.push(
      ...(await runScenario(
        bench,
        cases.filter(each => each.scenario === scenario),
      )),
    )
  }
  await shale.close()

  assert.deepEqual(
    rows.map(row => row.case.name),
    WANTED,
  )
  for (const { case: each, samples, floor, compared } of rows) {
    assert.equal(samples.shale?.problem, undefined, log.join('\n'))
    assert.equal(samples.shale?.values.length, 1)
    assert.ok(samples.shale?.values.every(value => value > 0))
    assert.equal(compared, 0)
    assert.equal(floor === undefined, each.scenario === 'memory')
  }
  assert.deepEqual(rows.map(isMet), [undefined, undefined, undefined, true])
  assert.match(
    table({ rows, files: FILES }),
    /^\| first build, 2,000 files, zstd +\| warm .* not installed \| not installed \|/m,
  )
  assert.deepEqual(
    readdirSync(work).filter(name => name.startsWith('shale')),
    [],
  )
})
