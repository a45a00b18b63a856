// npm run fuzz -- TARGET [--seconds N] [--seed N]: looks for inputs that break a parser, led by coverage. What it finds
// is written to test/fuzz/crashes and fails the run; what reaches new code is kept in .cache/fuzz for the next run.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { MAX_INPUT } from './mutate.ts'
import { TARGETS, type TargetName } from './target.ts'
import type { Message, Shared, Task } from './worker.ts'

const ROOT = join(import.meta.dirname, '../..')
const CRASHES = join(import.meta.dirname, 'crashes')
/** A single input may take this long, on a busy machine, before it counts as one that hangs. */
const HANG_MS = 20_000
const HEAP_MB = 512

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string', default: String(Date.now() % 1e9) } },
})
const name = TARGETS.find(target => target === positionals[0])
if (name === undefined || positionals.length !== 1) {
  console.error(`usage: npm run fuzz -- ${TARGETS.join('|')} [--seconds N] [--seed N]`)
  process.exit(2)
}

function filesOf(folder: string): readonly Buffer[] {
  return existsSync(folder) ? readdirSync(folder).map(file => readFileSync(join(folder, file))) : []
}

function save(folder: string, input: Uint8Array): string {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, createHash('sha256').update(input).digest('hex').slice(0, 16))
  writeFileSync(path, input)
  return relative(ROOT, path)
}

async function fuzz(target: TargetName): Promise<number> {
  const found = join(ROOT, '.cache/fuzz', target)
  const shared: Shared = {
    state: new Int32Array(new SharedArrayBuffer(8)),
    input: new Uint8Array(new SharedArrayBuffer(MAX_INPUT)),
  }
  const corpus = [...filesOf(join(import.meta.dirname, 'seeds', target)), ...filesOf(found)]
  const task: Task = { name: target, seconds: Number(values.seconds), seed: Number(values.seed), corpus, shared }
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: task,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
  })
  let crashes = 0
  const crash = (input: Uint8Array, why: string): void => {
    crashes++
    console.error(`\n${target}: ${save(join(CRASHES, target), input)}\n${why.slice(0, 4000)}`)
  }
  const current = () => Buffer.from(shared.input.subarray(0, Atomics.load(shared.state, 1)))
  const watch = watchdog(shared, () => {
    crash(current(), `an input takes longer than ${HANG_MS / 1000} s`)
    void worker.terminate()
  })
  worker.on('message', (message: Message) => {
    if (message.kind === 'found') save(found, message.input)
    else if (message.kind === 'crash') crash(message.input, message.error)
    else
      console.log(
        `${target}: ${message.runs} runs, ${message.features} features, ${message.corpus} inputs, seed ${values.seed}`,
      )
  })
  worker.on('error', (error: Error) => crash(current(), error.stack ?? error.message))
  await new Promise(resolve => worker.on('exit', resolve))
  clearInterval(watch)
  return crashes
}

/** Calls back when the same run goes on for too long. */
function watchdog({ state }: Shared, hangs: () => void): NodeJS.Timeout {
  let last = { run: 0, since: Date.now() }
  return setInterval(() => {
    const run = Atomics.load(state, 0)
    if (run !== last.run) last = { run, since: Date.now() }
    else if (run > 0 && Date.now() - last.since > HANG_MS) {
      hangs()
      last = { run, since: Number.POSITIVE_INFINITY }
    }
  }, 500)
}

process.exitCode = (await fuzz(name)) === 0 ? 0 : 1
