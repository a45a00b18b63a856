import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CASES } from '../../bench/cases.ts'
import { document, isMet, median, type Report, type Row, ratio, seconds, table } from '../../bench/report.ts'
import { exponent, SCENARIOS } from '../../bench/scenarios.ts'
import { fillPage } from '../../bench/write.ts'

function row(name: string, times: Readonly<Record<string, readonly number[]>>, more: Partial<Row> = {}): Row {
  const found = CASES.find(each => each.name === name)
  assert.ok(found)
  const samples = Object.fromEntries(Object.entries(times).map(([engine, values]) => [engine, { values, parts: [] }]))
  return { case: found, cache: 'warm', samples, differences: [], compared: 1, ...more }
}

const FIRST = row('first', { shale: [2, 9, 3], docker: [27, 25], buildah: [45] }, { floor: { walk: 0.5, hash: 1 } })

const REPORT: Report = {
  at: '2026-01-01T00:00:00.000Z',
  machine: { cpu: 'CPU', cores: 2, memoryGB: 4, kernel: '6.1', node: 'v26' },
  versions: { shale: 'Shale 1', docker: 'Docker 26' },
  files: 80_000,
  loadAverage: { before: 0, after: 1 },
  notes: [],
  rows: [FIRST],
}

test('every case has a scenario, and its own name', () => {
  for (const { scenario } of CASES) assert.ok(scenario in SCENARIOS)
  assert.equal(new Set(CASES.map(each => each.name)).size, CASES.length)
})

test('medians, ratios and targets', () => {
  assert.equal(median([3, 1, 2]), 2)
  assert.equal(median([4, 1, 2, 3]), 2.5)
  assert.equal(ratio(FIRST, 'docker'), 26 / 3)
  assert.equal(isMet(FIRST), true)
  assert.equal(isMet(row('first', { shale: [4], docker: [26] })), false)
  assert.equal(isMet(row('first', { shale: [4] })), undefined)
  assert.equal(isMet(row('version', { shale: [0.06] })), true)
  assert.equal(isMet(row('memory', { shale: [401] })), false)
  assert.equal(isMet(row('growth', { shale: [0.98] })), true)
})

test('growth is the exponent that fits best', () => {
  assert.equal(exponent({ 10: 1, 20: 2, 40: 4 }).toFixed(6), '1.000000')
  assert.equal(exponent({ 10: 1, 20: 4, 40: 16 }).toFixed(6), '2.000000')
})

test('seconds are shown with three digits or fewer', () => {
  assert.deepEqual([0.0123, 0.6, 1.234, 27.04].map(seconds), ['12 ms', '600 ms', '1.23 s', '27.0 s'])
})

test('the table', () => {
  const failed = { values: [], parts: [], problem: 'failed: exit 1: no space' }
  const rows = [
    FIRST,
    row('run', { shale: [0.1], docker: [0.3] }, { compared: 0 }),
    row('project', { shale: [1], docker: [1.1] }, { differences: ['docker: /a: missing'] }),
    { ...row('version', { shale: [0.05] }, { compared: 0 }), samples: { shale: failed } },
  ]
  assert.equal(
    table({ rows, files: 80_000 }),
    `
| case                                   | page cache |  Shale | Docker | buildah | × Docker | × buildah |  target |        |  limit | × limit | same tree |
| -------------------------------------- | ---------- | -----: | -----: | ------: | -------: | --------: | ------: | -----: | -----: | ------: | --------: |
| first build, 80,000 files, zstd        | warm       | 3.00 s | 26.0 s |  45.0 s |     8.7× |     15.0× |    ≥ 8× |    met | 1.50 s |    2.0× |       yes |
| run --rm IMAGE true                    | warm       | 100 ms | 300 ms |       – |     3.0× |           |    ≥ 2× |    met |        |         |           |
| small multi-stage project, first build | warm       | 1.00 s | 1.10 s |       – |     1.1× |           |  ≥ 1.2× | missed |        |         |        NO |
| --version                              | warm       | failed |      – |       – |          |           | ≤ 60 ms |        |        |         |           |
`.trim(),
  )
})

test('the document for machines has every value, medians, ratios, the limit and whether the target is met', () => {
  const { rows } = JSON.parse(document({ ...REPORT, rows: [FIRST] }))
  const { samples, medians, ratios, limit, met } = rows[0]
  assert.deepEqual(samples.shale.values, [2, 9, 3])
  assert.deepEqual(medians, { shale: 3, docker: 26, buildah: 45 })
  assert.deepEqual(ratios, { docker: 26 / 3, buildah: 15 })
  assert.deepEqual([limit, met], [1.5, true])
})

test('the page keeps what is around its results', () => {
  const page = 'before\n<!-- results: written by npm run bench -- --write -->\nold\n<!-- end of results -->\nafter\n'
  const filled = fillPage(page, REPORT)
  assert.match(filled, /^before\n<!-- results.*-->\n\n\| case/)
  assert.match(filled, /- CPU, 2 cores, 4 GB, Linux 6.1, Node v26\n/)
  assert.ok(filled.endsWith('\n\n<!-- end of results -->\nafter\n') && !filled.includes('old'))
  assert.equal(fillPage(filled, REPORT), filled)
  assert.throws(() => fillPage('no marks', REPORT), { code: 'BENCH_PAGE_INVALID' })
})
