// npm run soak [-- --seed N --kills N --fuzz-seconds N --disk-steps N --registry-kills N
// --registry-seconds N --output FILE]: every fault in full numbers, about
// half an hour on two cores. The result goes to docs/soak.json when all holds and the numbers were not made smaller.
// Needs root on Debian, for small disks and for skopeo.
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { damagedDatabase, fullDisk, kills, processes } from './soak/faults.ts'
import type { Counts, Part } from './soak/part.ts'
import { fuzz, testFiles } from './soak/programs.ts'
import { registryKills, registryLoad } from './soak/registry.ts'

const ROOT = join(import.meta.dirname, '..')
const FULL = {
  kills: 300,
  'fuzz-seconds': 60,
  'disk-steps': 20,
  bits: 300,
  'registry-kills': 100,
  'registry-seconds': 60,
} as const

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1e9) },
    kills: { type: 'string', default: String(FULL.kills) },
    'fuzz-seconds': { type: 'string', default: String(FULL['fuzz-seconds']) },
    'disk-steps': { type: 'string', default: String(FULL['disk-steps']) },
    'registry-kills': { type: 'string', default: String(FULL['registry-kills']) },
    'registry-seconds': { type: 'string', default: String(FULL['registry-seconds']) },
    bits: { type: 'string', default: String(FULL.bits) },
    output: { type: 'string' },
  },
})
const seed = Number(values.seed)
const count = (name: keyof typeof FULL): number => Number(values[name])

interface Result {
  readonly name: string
  readonly passed: boolean
  readonly seconds: number
  readonly counts: Counts
}

const started = performance.now()
const secondsSince = (start: number): number => Math.round((performance.now() - start) / 1000)
const say = (text: string): void => console.log(`${String(secondsSince(started)).padStart(5)} s  ${text}`)

async function outcomeOf({ name, run }: Part): Promise<Result> {
  const start = performance.now()
  say(name)
  try {
    const counts = await run({ seed, say: progress => say(`  ${progress}`) })
    say(`${name}: ok ${JSON.stringify(counts)}`)
    return { name, passed: true, seconds: secondsSince(start), counts }
  } catch (error) {
    say(`${name}: FAILED\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    return { name, passed: false, seconds: secondsSince(start), counts: {} }
  }
}

function report(results: readonly Result[]): string {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { readonly version: string }
  const machine = {
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
  }
  const head = { date: new Date().toISOString().slice(0, 10), version, seed, seconds: secondsSince(started), machine }
  return `${JSON.stringify({ ...head, passed: results.every(({ passed }) => passed), parts: results }, null, 2)}\n`
}

const parts: readonly Part[] = [
  kills(count('kills')),
  ...[2, 8, 30].map(processes),
  fullDisk(count('disk-steps')),
  registryKills(count('registry-kills')),
  registryLoad(count('registry-seconds')),
  damagedDatabase(count('bits')),
  fuzz(count('fuzz-seconds')),
  testFiles('hostile input', 'test/hostile/*.test.ts'),
  testFiles('damage', 'test/faults/{damage,log-damage,versions}.test.ts'),
]

console.log(`seed ${seed}`)
const results: Result[] = []
for (const part of parts) results.push(await outcomeOf(part))
const text = report(results)
const passed = results.every(result => result.passed)
const whole = (Object.keys(FULL) as (keyof typeof FULL)[]).every(name => count(name) >= FULL[name])
const output = values.output ?? (passed && whole ? join(ROOT, 'docs/soak.json') : undefined)
if (output !== undefined) writeFileSync(output, text)
console.log(text)
process.exitCode = passed ? 0 : 1
