import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { ShaleError } from '../src/error.ts'

const SAMPLE_MS = 20
const PAGE = 4_096

export interface Peak {
  readonly seconds: number
  /** Highest sum of the resident memory of the process and all below it, in MB; pages that they share count in each. */
  readonly megabytes: number
}

/** Runs a command to its end and looks at its process tree every 20 ms. */
export function peakMemory(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Peak> {
  const start = performance.now()
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], env })
  const said: Buffer[] = []
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk))
  let highest = 0
  const sample = () => {
    if (child.pid !== undefined) highest = Math.max(highest, residentBytes(child.pid))
  }
  const timer = setInterval(sample, SAMPLE_MS)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code => {
      clearInterval(timer)
      const seconds = (performance.now() - start) / 1000
      if (code === 0) resolve({ seconds, megabytes: highest / 1e6 })
      else reject(new ShaleError('BENCH_COMMAND_FAILED', `${args.join(' ')}: ${Buffer.concat(said).toString()}`))
    })
  })
}

/** Of a process and all below it. A process that ends meanwhile counts nothing. */
function residentBytes(pid: number): number {
  try {
    const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1])
    const children = readdirSync(`/proc/${pid}/task`).flatMap(task =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    )
    return children.reduce((sum, child) => sum + residentBytes(child), pages * PAGE)
  } catch {
    return 0
  }
}
