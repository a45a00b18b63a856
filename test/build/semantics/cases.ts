import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ShaleError } from '../../../src/error.ts'
import type { Tree } from '../../support/fixture.ts'
import { type Bench, type BenchOptions, type Built, openBench } from '../bench.ts'

/** One Dockerfile and what must become of it. */
export interface Case {
  readonly title: string
  readonly dockerfile: string
  readonly context?: Tree
  readonly options?: BenchOptions
  /** Content of files in the image. */
  readonly files?: Readonly<Record<string, string>>
  /** `file 0644 0:0`, `directory 0755 1:2`, `symlink target`. */
  readonly entries?: Readonly<Record<string, string>>
  readonly absent?: readonly string[]
  /** All names in a directory. */
  readonly lists?: Readonly<Record<string, readonly string[]>>
  readonly check?: (built: Built, bench: Bench) => unknown
}

export interface Failure {
  readonly title: string
  readonly dockerfile: string
  readonly context?: Tree
  readonly options?: BenchOptions
  readonly message: RegExp
  readonly hint?: RegExp
  /** First and last line that the error points at. */
  readonly lines?: readonly [number, number]
  readonly check?: (error: ShaleError) => void
}

/** A bench for the tests of a file, closed after them. */
export function sharedBench(): () => Bench {
  let bench: Bench | undefined
  before(async () => {
    bench = await openBench()
  })
  after(() => bench?.close())
  return () => bench as Bench
}

export function builds(bench: () => Bench, cases: readonly Case[]): void {
  for (const each of cases) test(each.title, () => checkCase(bench(), each))
}

export function failures(bench: () => Bench, cases: readonly Failure[]): void {
  for (const each of cases) test(each.title, () => checkFailure(bench(), each))
}

async function checkCase(bench: Bench, each: Case): Promise<void> {
  const context = await bench.context(each.context ?? {})
  const built = await bench.build(each.dockerfile, { context, ...each.options })
  for (const [path, content] of Object.entries(each.files ?? {})) {
    assert.equal(await built.files.text(path), content, `content of ${path}`)
  }
  for (const [path, entry] of Object.entries(each.entries ?? {})) {
    assert.equal(built.files.describe(path), entry, `entry ${path}`)
  }
  for (const path of each.absent ?? []) assert.equal(built.files.describe(path), undefined, `${path} must not be there`)
  for (const [path, names] of Object.entries(each.lists ?? {})) assert.deepEqual(built.files.list(path), names, path)
  await each.check?.(built, bench)
}

async function checkFailure(bench: Bench, each: Failure): Promise<void> {
  const context = await bench.context(each.context ?? {})
  const error = await bench.fails(each.dockerfile, { context, ...each.options })
  assert.ok(error instanceof ShaleError)
  assert.match(error.message, each.message)
  if (each.hint !== undefined) assert.match(error.hint ?? '', each.hint)
  each.check?.(error)
  if (each.lines === undefined) return
  const { range } = error.source ?? assert.fail(`no source: ${error.message}`)
  assert.deepEqual([range.start.line, range.end.line], each.lines)
}
