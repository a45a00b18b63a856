// node pack.ts CONTEXT OUT COMPRESSION PHASE…: how long what cannot be avoided takes, each phase alone over all cores.
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'

export type Phase = 'walk' | 'prepare' | 'read' | 'hash' | 'compress' | 'write' | 'unpack'

export interface WorkerData {
  readonly context: string
  readonly share: number
  readonly shares: number
  readonly out: string
  readonly compression: string
}

async function measure(args: readonly string[]): Promise<Readonly<Record<string, number>>> {
  const [context = '', out = '', compression = '', ...phases] = args
  const shares = availableParallelism()
  const workers = Array.from({ length: shares }, (_, share) => {
    const workerData: WorkerData = { context, share, shares, out, compression }
    return new Worker(join(import.meta.dirname, 'worker.ts'), { workerData })
  })
  await Promise.all(workers.map(worker => new Promise(resolve => worker.once('online', resolve))))
  const seconds: Record<string, number> = {}
  for (const phase of phases as readonly Phase[]) {
    const start = performance.now()
    await Promise.all(workers.map(worker => told(worker, phase)))
    if (phase !== 'prepare') seconds[phase] = (performance.now() - start) / 1000
  }
  await Promise.all(workers.map(worker => worker.terminate()))
  return seconds
}

function told(worker: Worker, phase: Phase): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject)
    worker.once('message', () => resolve())
    worker.postMessage(phase)
  })
}

if (import.meta.main) console.log(JSON.stringify(await measure(process.argv.slice(2))))
