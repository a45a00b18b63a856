import { parentPort, workerData } from 'node:worker_threads'
import { Random } from '../build/generated.ts'
import { Coverage } from './coverage.ts'
import { MAX_INPUT, mutate } from './mutate.ts'
import { loadTarget, type TargetName } from './target.ts'

/** What the main thread must know of the input that runs, even when this thread never comes back. */
export interface Shared {
  /** Number of the run, and the length of its input. */
  readonly state: Int32Array<SharedArrayBuffer>
  readonly input: Uint8Array<SharedArrayBuffer>
}

export interface Task {
  readonly name: TargetName
  readonly seconds: number
  readonly seed: number
  readonly corpus: readonly Uint8Array[]
  readonly shared: Shared
}

export type Message =
  | { readonly kind: 'found'; readonly input: Uint8Array }
  | { readonly kind: 'crash'; readonly input: Uint8Array; readonly error: string }
  | { readonly kind: 'done'; readonly runs: number; readonly features: number; readonly corpus: number }

/** Looking at the coverage costs a thousand runs of a small target: it is done for many runs at a time. */
const BATCH = 64

const { name, seconds, seed, corpus: given, shared } = workerData as Task
const target = await loadTarget(name)
const random = new Random(seed)
const coverage = new Coverage()
const corpus: Buffer[] = []
const crashes = new Set<string>()
let runs = 0

function tell(message: Message): void {
  parentPort?.postMessage(message)
}

async function run(input: Buffer): Promise<void> {
  shared.input.set(input)
  Atomics.store(shared.state, 1, input.length)
  Atomics.store(shared.state, 0, ++runs)
  try {
    await target.run(input)
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    // One of each kind: what was thrown where.
    const kind = text.split('\n').filter(line => /^\s+at /.test(line))[0] ?? text
    if (!crashes.has(kind)) tell({ kind: 'crash', input, error: text })
    crashes.add(kind)
  }
}

/** Runs the inputs; of those that reach something new each is kept. */
async function explore(inputs: readonly Buffer[]): Promise<void> {
  for (const input of inputs) await run(input)
  if (coverage.news(false) === 0) return
  for (const input of inputs) {
    await run(input)
    if (coverage.news(true) === 0) continue
    corpus.push(input)
    tell({ kind: 'found', input })
  }
}

await explore(given.map(bytes => Buffer.from(bytes).subarray(0, MAX_INPUT)))
if (corpus.length === 0) corpus.push(Buffer.from(target.words.join('')))
// What was found last is what least has been made of.
const pick = () =>
  corpus[random.chance(50) ? random.below(corpus.length) : Math.max(0, corpus.length - 1 - random.below(20))] as Buffer
const end = Date.now() + seconds * 1000
while (Date.now() < end) await explore(Array.from({ length: BATCH }, () => mutate(pick(), random, target.words, pick)))
tell({ kind: 'done', runs, features: coverage.size, corpus: corpus.length })
