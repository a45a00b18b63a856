import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { forEachParallel } from './parallel.ts'

test('no more than the limit goes on at once, and every item is done', async () => {
  let running = 0
  let most = 0
  const done: number[] = []
  await forEachParallel([1, 2, 3, 4, 5, 6, 7], 3, undefined, async item => {
    most = Math.max(most, ++running)
    await turn()
    running--
    done.push(item)
  })
  assert.equal(most, 3)
  assert.deepEqual(done.toSorted(), [1, 2, 3, 4, 5, 6, 7])
})

test('the first failure stops the others, is waited for and is thrown', async () => {
  const log: string[] = []
  const failing = forEachParallel(['slow', 'bad', 'never'], 2, undefined, async (item, signal) => {
    if (item === 'bad') throw new Error('bad failed')
    if (!signal.aborted) await new Promise(resolve => signal.addEventListener('abort', resolve))
    await turn()
    log.push(`${item} stopped`)
    signal.throwIfAborted()
  })
  await assert.rejects(failing, { message: 'bad failed' })
  assert.deepEqual(log, ['slow stopped'])
})

test('an abort from outside is thrown with its reason', async () => {
  const abort = new AbortController()
  const work = forEachParallel([1, 2], 1, abort.signal, async () => abort.abort(new Error('enough')))
  await assert.rejects(work, { message: 'enough' })
})
