// npm run check: what must hold besides the tests. Every check runs at once; one line each, then what failed said.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { longFiles, machinePaths } from './check/text.ts'

const ROOT = join(import.meta.dirname, '..')
const execute = promisify(execFile)

interface Check {
  readonly name: string
  /** Resolves with complaints; none is good. */
  readonly run: () => Promise<readonly string[]>
}

const CHECKS: readonly Check[] = [
  { name: 'types', run: () => command(bin('tsc'), ['-p', '.']) },
  { name: 'lint and format', run: () => command(bin('biome'), ['check', '--error-on-warnings', '.']) },
  { name: 'layering', run: () => tests('test/layering.test.ts') },
  { name: 'dependencies', run: () => tests('test/dependencies.test.ts') },
  { name: 'no machine paths', run: () => machinePaths(ROOT) },
  { name: 'file length', run: () => longFiles(ROOT) },
]

function bin(name: string): string {
  return join(ROOT, 'node_modules/.bin', name)
}

function tests(path: string): Promise<readonly string[]> {
  return command(process.execPath, ['--test', '--test-reporter=spec', path])
}

async function command(file: string, args: readonly string[]): Promise<readonly string[]> {
  try {
    await execute(file, [...args], { cwd: ROOT, maxBuffer: 1 << 26 })
    return []
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & { stdout?: string; stderr?: string }
    const said = `${stdout}${stderr}`.trim()
    return [said === '' ? message : said]
  }
}

async function runOne({ name, run }: Check): Promise<readonly string[]> {
  const start = performance.now()
  const complaints = await run()
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  console.log(`${complaints.length === 0 ? 'ok    ' : 'FAILED'} ${seconds.padStart(5)} s  ${name}`)
  return complaints.map(complaint => `\n== ${name}\n${complaint}`)
}

const complaints = (await Promise.all(CHECKS.map(runOne))).flat()
for (const complaint of complaints) console.log(complaint)
process.exitCode = complaints.length === 0 ? 0 : 1
