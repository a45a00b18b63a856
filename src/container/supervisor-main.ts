import { closeSync, writeSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { LayerWork } from '../build/layer-work.ts'
import { treeWorker } from '../build/tree-worker.ts'
import { ShaleError } from '../error.ts'
import { openHelper } from '../sandbox/helper.ts'
import { treeRemover } from '../sandbox/remove-tree.ts'
import type { RunConfig } from '../sandbox/run-request.ts'
import type { ContainerRow } from '../store/containers.ts'
import { type LocalStore, openStore } from '../store/open.ts'
import { containerFolder } from './folder.ts'
import { imageOfContainer } from './image.ts'
import { keeperOf } from './keeper.ts'
import { type ContainerOptions, optionsOf } from './options.ts'
import { keeperRecord } from './records.ts'
import { runRequest } from './request.ts'
import { removeOwn } from './run.ts'
import { isActive } from './settle.ts'
import { REPORT_FD, type StartReport, WAIT_FOR_ATTACH } from './start-report.ts'
import { supervise } from './supervise.ts'

/*
 * The process that looks after one container that nobody waits for. It lives as long as the container, tells whoever has
 * started it how that went, and takes the container with it when it is killed.
 */

let reported = false

function report(said: StartReport): void {
  if (reported) return
  reported = true
  writeSync(REPORT_FD, lineOf(said))
  closeSync(REPORT_FD)
}

function lineOf(said: StartReport): string {
  return `${JSON.stringify(said)}\n`
}

/** Whoever has asked for it may have gone meanwhile. */
const ATTACH_MS = 10_000

async function untilAttached(attached: Promise<void>): Promise<void> {
  writeSync(REPORT_FD, lineOf({ kind: 'listening' }))
  const late = new AbortController()
  await Promise.race([attached, setTimeout(ATTACH_MS, undefined, { signal: late.signal })])
  late.abort()
}

function failure(error: unknown): StartReport {
  const { message } = error as Error
  const { code = 'START_FAILED', hint, exitCode = 125 } = error instanceof ShaleError ? error : {}
  return { kind: 'failure', code, message, hint, exitCode }
}

/** Says in the record that we look after the container; nobody else does then. */
function take(store: LocalStore, id: string): ContainerRow {
  const keeper = keeperOf(process.pid)
  const claim = { status: 'starting', keeper, startedAt: undefined, stopped: false, restarts: 0 } as const
  const before = store.containers.change(id, claim, row => !isActive(row) && row.status !== 'removing')
  const row = store.containers.get(id)
  if (row === undefined) throw new ShaleError('CONTAINER_NOT_FOUND', `No such container: ${id}`)
  if (before === undefined) throw new ShaleError('CONTAINER_RUNNING', `container ${id} is running or being removed`)
  return row
}

function streamsOf({ tty, interactive }: ContainerOptions): Pick<RunConfig, 'stdio' | 'terminal'> {
  if (tty) return { stdio: 'null', terminal: { rows: 0, columns: 0 } }
  return { stdio: interactive ? 'open' : 'null' }
}

async function lookAfter(store: LocalStore, row: ContainerRow, waits: boolean): Promise<void> {
  const options = optionsOf(row)
  const folder = containerFolder(store, row.id)
  const record = keeperRecord(store, row.id)
  const lease = store.lease('start')
  const helper = await openHelper({ root: store.root })
  try {
    const worker = treeWorker(helper, store.tempDir)
    const layers = new LayerWork(store, lease, async () => worker)
    await helper.call('removeTree', { path: folder.work })
    const image = await imageOfContainer(store, row, options)
    const warnings: string[] = []
    const onWarning = (message: string): void => void warnings.push(message)
    const request = await runRequest({ store, row, options, image, layers, worker, onWarning }, streamsOf(options))
    // From here on the record keeps the image and its trees.
    lease.end()
    const result = await supervise({
      ...{ helper, request, folder, options, record },
      beforeRun: waits ? untilAttached : undefined,
      onStarted: () => report({ kind: 'started', warnings }),
      onStopping: stop => process.on('SIGTERM', stop),
    })
    const { startError: message, exitCode } = result
    report(
      message === undefined
        ? { kind: 'started', warnings }
        : { kind: 'failure', code: 'COMMAND_NOT_STARTED', message, exitCode },
    )
  } catch (error) {
    record({ status: 'created', keeper: undefined, exitCode: 125, error: (error as Error).message })
    throw error
  } finally {
    if (options.autoRemove) await removeOwn(store, row, helper)
    await helper.close()
  }
}

/** What a terminal sends to all that it has started is not meant for us. */
for (const signal of ['SIGHUP', 'SIGINT', 'SIGQUIT'] as const) process.on(signal, () => {})

async function main([root = '', id = '', wait]: readonly string[]): Promise<void> {
  const store = openStore({ root, removeTree: treeRemover(root) })
  await lookAfter(store, take(store, id), wait === WAIT_FOR_ATTACH)
  store.close()
}

void main(process.argv.slice(2))
  .catch(error => report(failure(error)))
  .finally(() => process.exit(0))
