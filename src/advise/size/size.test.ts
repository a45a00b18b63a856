import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ShaleError } from '../../error.ts'
import type { Entry } from '../../layer/entry.ts'
import { type Toc, tocOf } from '../../layer/toc.ts'
import { excesses, parseBudget } from './budget.ts'
import { sizeReport } from './report.ts'
import { sizeTree } from './tree.ts'
import { eachVisible, visibleFiles } from './visible.ts'

const ATTRIBUTES = { mode: 0o644, uid: 0, gid: 0, mtime: 0, mtimeNs: 0 }

/** `a` and `a/` are a file and a directory, `-a` a whiteout, `a/!` an opaque directory; a number is a file's size. */
function layer(...items: readonly (string | readonly [path: string, size: number, digest?: string])[]): Toc {
  return tocOf(
    items.map((item): Entry => {
      if (typeof item !== 'string') {
        const [path, size, digest = `${path} ${size}`] = item
        return { kind: 'file', path, size, digest, ...ATTRIBUTES }
      }
      if (item.startsWith('-')) return { kind: 'whiteout', path: item.slice(1), ...ATTRIBUTES }
      const opaque = item.endsWith('!')
      const path = item.replace(/\/!?$/, '')
      return opaque ? { kind: 'directory', path, opaque, ...ATTRIBUTES } : { kind: 'directory', path, ...ATTRIBUTES }
    }),
  )
}

interface Case {
  readonly what: string
  readonly layers: readonly Toc[]
  /** Paths that are seen, each with its layer. */
  readonly seen: readonly string[]
  /** `path kind bytes files from>by` */
  readonly waste: readonly string[]
}

const CASES: readonly Case[] = [
  { what: 'one layer', layers: [layer('d/', ['d/a', 5], ['e', 1])], seen: ['d/a 0', 'e 0'], waste: [] },
  {
    what: 'a file that is written again',
    layers: [layer(['a', 5]), layer(['a', 7]), layer(['a', 9])],
    seen: ['a 2'],
    waste: ['a overwritten 5 1 0>1', 'a overwritten 7 1 1>2'],
  },
  {
    what: 'a deleted file, and one of the same name afterwards',
    layers: [layer(['a', 5]), layer('-a'), layer(['a', 1])],
    seen: ['a 2'],
    waste: ['a deleted 5 1 0>1'],
  },
  {
    what: 'a deleted directory, over two layers, that the lower ones do not list',
    layers: [layer(['d/a', 5], ['d!', 2]), layer(['d/b', 3], ['d/c/e', 4]), layer('-d')],
    seen: ['d! 0'],
    waste: ['d deleted 12 3 0>2'],
  },
  {
    what: 'an opaque directory',
    layers: [layer('d/', ['d/a', 5]), layer('d/!', ['d/b', 3])],
    seen: ['d/b 1'],
    waste: ['d deleted 5 1 0>1'],
  },
  {
    what: 'a file in place of a directory, and the other way round',
    layers: [layer('d/', ['d/a', 5], ['f', 2]), layer(['d', 1], 'f/', ['f/x', 3])],
    seen: ['d 1', 'f/x 1'],
    waste: ['d overwritten 5 1 0>1', 'f overwritten 2 1 0>1'],
  },
  {
    what: 'a directory that is listed again changes nothing',
    layers: [layer('d/', ['d/a', 5]), layer('d/', ['d/b', 1])],
    seen: ['d/a 0', 'd/b 1'],
    waste: [],
  },
]

for (const { what, layers, seen, waste } of CASES) {
  // The second time behind a long layer, where entries are looked up instead of walked to.
  const long = layer(...Array.from({ length: 200 }, (_, at) => [`long/${at}`, 0] as const))
  for (const [how, all, first] of [
    ['', layers, 0],
    [', above a long layer', [long, ...layers], 1],
  ] as const) {
    test(`${what}${how}`, () => {
      const whole = visibleFiles(all)
      const files: string[] = []
      eachVisible(whole, ({ path }, at) => {
        if (!path.startsWith('long/')) files.push(`${path} ${at - first}`)
      })
      assert.deepEqual(files.sort(), seen)
      const shown = whole.waste.map(one => {
        return `${one.path} ${one.kind} ${one.bytes} ${one.files} ${one.from - first}>${one.by - first}`
      })
      assert.deepEqual(shown, waste)
    })
  }
}

const KB = 1024

test('lines, duplicates and caches', () => {
  const history = [
    { created_by: 'COPY . /' },
    { created_by: 'ENV a=b', empty_layer: true },
    { created_by: 'RUN apt-get update' },
  ]
  const first = layer(['a', 2 * KB, 'same'], ['b', 2 * KB, 'same'], ['c', 2 * KB, 'other'], ['small', 3])
  const second = layer(['c', 2 * KB, 'same'], ['var/lib/apt/lists/x', 100])
  const report = sizeReport({ history }, [first, second])
  assert.deepEqual(
    report.lines.map(({ createdBy, layer, bytes, files, wasted }) => [createdBy, layer, bytes, files, wasted]),
    [
      ['COPY . /', 0, 6 * KB + 3, 4, 2 * KB],
      ['ENV a=b', undefined, 0, 0, 0],
      ['RUN apt-get update', 1, 2 * KB + 100, 2, 0],
    ],
  )
  assert.deepEqual(report.duplicates, [{ size: 2 * KB, paths: ['/a', '/b', '/c'], wasted: 4 * KB }])
  assert.deepEqual(
    report.caches.map(({ name, bytes }) => [name, bytes]),
    [['apt lists', 100]],
  )
  assert.equal(report.bytes, 8 * KB + 103)
  assert.equal(report.visible + report.wasted, report.bytes)
  assert.equal(report.efficiency, report.visible / report.bytes)
})

test('a tree sums up what it cuts off', () => {
  const tree = sizeTree(
    [
      ['usr/lib/a', 5],
      ['usr/lib/deep/b', 6],
      ['usr/c', 1],
      ['d', 20],
    ],
    2,
  )
  assert.deepEqual([tree.bytes, tree.files], [32, 4])
  assert.deepEqual(
    tree.children.map(({ name, bytes }) => [name, bytes]),
    [
      ['d', 20],
      ['usr/', 12],
    ],
  )
  assert.deepEqual(
    tree.children[1]?.children.map(({ name, bytes, children }) => [name, bytes, children.length]),
    [
      ['lib/', 11, 0],
      ['c', 1, 0],
    ],
  )
})

test('budgets: units, what is kept and what is not', async () => {
  const budget = await parseBudget(
    'b.yaml',
    'maxSize: 1kB\nmaxLayer: 1KiB\nmaxWasted: 0\nmaxFiles: 2\nminEfficiency: 0.9\n',
  )
  assert.deepEqual(budget, { maxSize: 1000, maxLayer: 1024, maxWasted: 0, maxFiles: 2, minEfficiency: 0.9 })
  const report = sizeReport({ history: [{ created_by: 'COPY a /' }] }, [layer(['a', 900]), layer(['a', 200])])
  assert.deepEqual(
    excesses(report, budget).map(({ bound, found }) => [bound, Math.round(found * 100) / 100]),
    [
      ['maxSize', 1100],
      ['maxWasted', 900],
      ['minEfficiency', 0.18],
    ],
  )
  assert.deepEqual(excesses(report, {}), [])
})

for (const [text, why] of [
  ['maxSize: large\n', /^b\.yaml:1: is no size/],
  ['maxFiles: 1\nmaxsize: 1MB\n', /^b\.yaml:2: unknown field "maxsize", did you mean maxSize\?/],
  ['minEfficiency: 95\n', /^b\.yaml:1: /],
] as const) {
  test(`a budget that says ${JSON.stringify(text)} is refused with its line`, async () => {
    await assert.rejects(parseBudget('b.yaml', text), (error: unknown) => {
      assert.ok(error instanceof ShaleError)
      assert.match(error.message, why)
      return true
    })
  })
}
