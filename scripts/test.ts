// npm test [-- WORD… | --node-option…]: every test but those against real peers (npm run test:peers) and the one that
// installs the packed package (npm run test:packed). A word keeps the test files whose path contains it; options go to
// Node's test runner.
import { spawn } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { join, normalize } from 'node:path'
import { busyboxRootfs } from '../test/support/busybox.ts'
import { importsOf } from './imports.ts'

const ROOT = join(import.meta.dirname, '..')
const BUSYBOX = normalize('test/support/busybox.ts')

/** Compiled sources, so that each of a hundred test processes need not compile them again. */
const COMPILE_CACHE = join(ROOT, 'node_modules/.cache/node')

/** More than two at once gains nothing: the slow ones start processes of their own. */
const CONCURRENCY = 2

function wanted(words: readonly string[]): readonly string[] {
  const all = globSync(['src/**/*.test.ts', 'test/**/*.test.ts'], {
    cwd: ROOT,
    exclude: ['test/peers/**', 'test/cli/packed.test.ts'],
  })
  return all.filter(path => words.length === 0 || words.some(word => path.includes(word))).toSorted()
}

/** Whether a test file needs the small root file system, directly or through what it imports. */
function needsBusybox(path: string, seen: Set<string> = new Set()): boolean {
  if (path === BUSYBOX) return true
  if (seen.has(path) || !path.endsWith('.ts') || !existsSync(join(ROOT, path))) return false
  seen.add(path)
  return importsOf(ROOT, path).some(({ to }) => needsBusybox(to, seen))
}

/** Fetches what is no npm package once for all; without it the tests that need it are left out, and it says so. */
async function runnable(files: readonly string[]): Promise<readonly string[]> {
  const needing = new Set(files.filter(path => needsBusybox(path)))
  if (needing.size === 0) return files
  try {
    await busyboxRootfs()
    return files
  } catch (error) {
    const why = error instanceof Error ? error.message.trim().split('\n').at(-1) : String(error)
    console.log(`left out, for Debian's busybox-static cannot be fetched (${why}): ${[...needing].join(' ')}`)
    return files.filter(path => !needing.has(path))
  }
}

const given = process.argv.slice(2)
const words = given.filter(word => !word.startsWith('-'))
const options = given.filter(word => word.startsWith('-'))
const files = await runnable(wanted(words))
if (files.length === 0) {
  console.error(`no test file has ${words.join(' or ')} in its path`)
  process.exit(1)
}
const args = ['--test', '--test-reporter=spec', `--test-concurrency=${CONCURRENCY}`, ...options, ...files]
const env = { NODE_COMPILE_CACHE: COMPILE_CACHE, ...process.env }
const runner = spawn(process.execPath, args, { cwd: ROOT, stdio: 'inherit', env })
runner.on('exit', (code, signal) => {
  process.exitCode = signal === null ? (code ?? 1) : 1
})
