// npm run bench:registry [-- --runs N --blobs N --megabytes N --json FILE]: `shale registry serve` beside Debian's
// docker-registry. docs/performance.md says what is measured. Needs root on Debian, curl, and a quiet machine.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { mustRun } from '../../scripts/bases/process.ts'
import { whyNoPeers } from '../../test/peers/root.ts'
import { loadAverage, thisMachine } from '../machine.ts'
import { median } from '../report.ts'
import { type Blob, downloadRate, makeBlobs, manifestsPerSecond, uploadRate } from './measure.ts'
import { SERVERS, type ServerName } from './servers.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '3' },
    blobs: { type: 'string', default: '4' },
    megabytes: { type: 'string', default: '200' },
    json: { type: 'string' },
  },
})

/** What is measured, and how many times docker-registry's it has to be. */
const CASES = [
  { key: 'tag', title: 'registry: manifest GETs per second, by tag', unit: '/s', target: 10 },
  { key: 'digest', title: 'registry: manifest GETs per second, by digest', unit: '/s', target: 10 },
  { key: 'upload', title: 'registry: blob upload', unit: ' MB/s', target: 1 },
  { key: 'download', title: 'registry: blob download', unit: ' MB/s', target: 1 },
] as const

type Measured = Readonly<Record<(typeof CASES)[number]['key'], number>>

async function oneTurn(name: ServerName, blobs: readonly Blob[]): Promise<Measured> {
  await mustRun('sync', [])
  const server = await SERVERS[name]()
  try {
    const { tag, digest } = await manifestsPerSecond(server.url)
    const upload = await uploadRate(server.url, blobs)
    return { tag, digest, upload, download: await downloadRate(server.url, blobs) }
  } finally {
    await server.stop()
  }
}

function line({ key, title, unit, target }: (typeof CASES)[number], results: Results): string {
  const [ours, theirs] = [middle(results.shale, key), middle(results['docker-registry'], key)]
  const times = ours / theirs
  const shown = (value: number) => `${Math.round(value).toLocaleString('en')}${unit}`
  const met = times >= target ? 'met' : 'missed'
  return `| ${title} | ${shown(ours)} | ${shown(theirs)} | ${times.toFixed(1)}× | ≥ ${target}× | ${met} |`
}

function middle(samples: readonly Measured[], key: keyof Measured): number {
  return median(samples.map(sample => sample[key]))
}

type Results = Readonly<Record<ServerName, Measured[]>>

const why = whyNoPeers()
if (why !== undefined) throw new Error(`docker-registry cannot run here: ${why}`)
const folder = await mkdtemp(join(tmpdir(), 'shale-bench-blobs-'))
try {
  const blobs = await makeBlobs(folder, Number(values.blobs), Number(values.megabytes))
  const results: Results = { shale: [], 'docker-registry': [] }
  const names = Object.keys(SERVERS) as ServerName[]
  for (let run = 0; run < Number(values.runs); run++) {
    for (const name of run % 2 === 0 ? names : names.toReversed()) {
      const measured = await oneTurn(name, blobs)
      results[name].push(measured)
      console.error(`${name}: ${JSON.stringify(measured)}`)
    }
  }
  console.log('| case | Shale | docker-registry | × | target | |\n| --- | --: | --: | --: | --: | --: |')
  for (const each of CASES) console.log(line(each, results))
  if (values.json !== undefined) {
    const report = { at: new Date().toISOString(), machine: thisMachine(), loadAverage: loadAverage(), results }
    await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`)
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
