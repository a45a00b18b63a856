import { readFileSync } from 'node:fs'
import { openHelper } from './helper.ts'
import type { RunRequest, RunResult } from './run-request.ts'
import { collector } from './testing.ts'

/** What the program of this file reads from its standard input and writes to its standard output, as JSON. */
export interface RootlessInput {
  readonly root: string
  readonly requests: readonly RunRequest[]
  /** Trees to remove afterwards. */
  readonly remove: readonly string[]
}

export interface RootlessOutput {
  readonly rootless: boolean
  readonly limits: readonly string[]
  readonly results: readonly (RunResult & { readonly out: string; readonly err: string })[]
}

/** Runs the requests as whoever runs this program. */
async function main(): Promise<void> {
  const { root, requests, remove } = JSON.parse(readFileSync(0, 'utf8')) as RootlessInput
  const helper = await openHelper({ root })
  const results = []
  for (const request of requests) {
    const output = collector()
    const result = await helper.run(request, output)
    results.push({ ...result, out: output.text(), err: output.text('stderr') })
  }
  for (const path of remove) await helper.call('removeTree', { path })
  const { rootless, limits } = helper
  await helper.close()
  process.stdout.write(JSON.stringify({ rootless, limits, results } satisfies RootlessOutput))
}

if (process.argv[1] === import.meta.filename) await main()
