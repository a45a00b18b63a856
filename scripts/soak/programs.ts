import { globSync } from 'node:fs'
import { join } from 'node:path'
import { TARGETS, type TargetName } from '../../test/fuzz/target.ts'
import { run } from '../bases/process.ts'
import type { Counts, Part } from './part.ts'

const ROOT = join(import.meta.dirname, '../..')
const FUZZERS_AT_ONCE = 2
const LONGEST_MS = 30 * 60_000

/** Runs test files; every test in them must pass. */
export function testFiles(name: string, pattern: string): Part {
  return {
    name,
    async run() {
      const files = globSync(pattern, { cwd: ROOT }).toSorted()
      if (files.length === 0) throw new Error(`no test file is ${pattern}`)
      const args = ['--test', '--test-reporter=tap', '--test-concurrency=1', ...files]
      const { code, stdout, stderr } = await node(args)
      if (code !== 0) throw new Error(`${stdout.split('\n').filter(notPassed).join('\n')}\n${stderr}`)
      return { tests: Number(/^# pass (\d+)$/m.exec(stdout)?.[1] ?? 0) }
    },
  }
}

function notPassed(line: string): boolean {
  return !/^\s*(?:ok |---|\.\.\.|duration_ms|type: 'test'|# Subtest)/.test(line)
}

/** Fuzzes every target for that long, two at a time. */
export function fuzz(seconds: number): Part {
  return {
    name: 'fuzzing',
    async run({ seed, say }) {
      const left: TargetName[] = [...TARGETS]
      const runs: Record<string, number> = {}
      const worker = async (): Promise<void> => {
        for (let target = left.shift(); target !== undefined; target = left.shift()) {
          runs[`${target}Runs`] = await fuzzTarget(target, seconds, seed)
          say(`${target}: ${runs[`${target}Runs`]} runs`)
        }
      }
      await Promise.all(Array.from({ length: FUZZERS_AT_ONCE }, worker))
      const counts: Counts = { secondsEach: seconds, ...runs }
      return counts
    },
  }
}

async function fuzzTarget(target: TargetName, seconds: number, seed: number): Promise<number> {
  const { code, stdout, stderr } = await node(['test/fuzz/main.ts', target, `--seconds=${seconds}`, `--seed=${seed}`])
  if (code !== 0) throw new Error(stderr)
  return Number(/: (\d+) runs/.exec(stdout.trim().split('\n').at(-1) ?? '')?.[1] ?? 0)
}

function node(args: readonly string[]) {
  const env: NodeJS.ProcessEnv = { ...process.env, NODE_TEST_CONTEXT: undefined }
  return run(process.execPath, args, { cwd: ROOT, env, timeoutMs: LONGEST_MS })
}
