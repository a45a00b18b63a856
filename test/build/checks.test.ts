import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BuildEvent } from '../../src/build/events.ts'
import { corpusJson, withCorpus } from '../../src/dockerfile/corpus.test-helper.ts'
import { ShaleError } from '../../src/error.ts'
import { type Bench, openBench } from './bench.ts'

interface Case {
  readonly test: string
  readonly case: number
  readonly dockerfile: string
  readonly dockerignore?: string
  readonly buildArgs?: Readonly<Record<string, string>>
  readonly expectedWarnings: readonly { readonly rule: string; readonly line: number; readonly detail: string }[]
  readonly buildError?: string
  readonly buildErrorRegexp?: string
  readonly buildErrorLine?: number
}

/** Cases that are not built, each with the reason. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  'testBaseImagePlatformMismatch 1': 'Shale refuses a base for another platform, where BuildKit warns',
}

/** Where the case names another line than that of the instruction that fails in its own file. */
const FAILS_AT: Readonly<Record<string, number>> = { 'testCopyIgnoredFiles 3': 4 }

interface Outcome {
  readonly warnings: readonly string[]
  readonly error: ShaleError | undefined
}

async function build(bench: Bench, one: Case): Promise<Outcome> {
  const ignore: Record<string, string> = one.dockerignore === undefined ? {} : { '.dockerignore': one.dockerignore }
  const context = await bench.context({ Dockerfile: one.dockerfile, ...ignore })
  const warnings: string[] = []
  const onEvent = (event: BuildEvent) => {
    if (event.type !== 'warning' || event.rule === undefined) return
    warnings.push(`${event.rule} ${event.range?.start.line} ${event.message}`)
  }
  try {
    await bench.run({ context, onEvent, buildArgs: one.buildArgs, compression: 'none' })
    return { warnings, error: undefined }
  } catch (error) {
    if (error instanceof ShaleError) return { warnings, error }
    throw error
  }
}

test('builds warn of what BuildKit warns of, and fail where it fails', withCorpus, async t => {
  const bench = await openBench()
  t.after(() => bench.close())
  await bench.build('FROM busybox', { tags: ['busybox:stable-musl'] })
  const cases = corpusJson<readonly Case[]>('lint/buildkit-checks.json')
  for (const one of cases) {
    const label = `${one.test} ${one.case}`
    if (label in LEFT_OUT) continue
    const { warnings, error } = await build(bench, one)
    assert.deepEqual(
      warnings,
      one.expectedWarnings.map(({ rule, line, detail }) => `${rule} ${line} ${detail}`),
      label,
    )
    const fails = one.buildError !== undefined || one.buildErrorRegexp !== undefined
    assert.equal(error !== undefined, fails, `${label}: ${error?.message}`)
    const line = FAILS_AT[label] ?? one.buildErrorLine
    if (fails) assert.equal(error?.source?.range.start.line, line, `${label}: ${error?.message}`)
  }
  const left = Object.entries(LEFT_OUT).map(([name, reason]) => `${name} (${reason})`)
  assert.ok(cases.length >= 60)
  assert.ok(left.length / cases.length < 0.03)
  t.diagnostic(`${cases.length} cases, ${left.length} left out: ${left.join('; ')}`)
})
