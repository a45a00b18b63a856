import assert from 'node:assert/strict'
import { type IncomingMessage, request } from 'node:http'
import { describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { sha256 } from '../../src/oci/digest.ts'
import { Pace } from '../../src/registry/server/http/pace.ts'
import { putBlob, testServer } from '../../src/registry/server/testing-server.ts'

/** 100 bytes a second, and ten seconds of patience. */
const LIMITS = { rate: 100, patience: 10_000 }

/** What happens to a body: seconds of waiting for the client, then so many bytes; or work of the server. */
type Happening = { readonly wait: number; readonly bytes: number } | { readonly work: number }

function isTooSlow(happenings: readonly Happening[], limits = LIMITS): boolean {
  let now = 0
  let slow = false
  const pace = new Pace(limits, () => now * 1000)
  const body = pace.begin(() => {
    slow = true
  })
  for (const one of happenings) {
    if ('work' in one) {
      now += one.work
      pace.look()
      continue
    }
    body.wait()
    now += one.wait
    pace.look()
    body.moved(one.bytes)
  }
  body.end()
  now += 1000
  pace.look()
  return slow
}

const times = (count: number, one: Happening) => Array.from({ length: count }, () => one)

describe('who is too slow', () => {
  const CASES: readonly (readonly [what: string, happenings: readonly Happening[], slow: boolean])[] = [
    ['a client that sends at once', [{ wait: 0, bytes: 1e9 }], false],
    ['one that pauses no longer than the patience', [{ wait: 10, bytes: 1 }], false],
    ['one that sends nothing for longer', [{ wait: 10.1, bytes: 0 }], true],
    ['one at just the rate, for an hour', times(3600, { wait: 1, bytes: 100 }), false],
    ['one that trickles', times(30, { wait: 1, bytes: 50 }), true],
    ['one that trickles after a gigabyte', [{ wait: 0, bytes: 1e9 }, ...times(30, { wait: 1, bytes: 50 })], true],
    ['one that trickles for a moment', times(15, { wait: 1, bytes: 50 }), false],
    ['one whose server is slow', [{ work: 1000 }, { wait: 1, bytes: 100 }, { work: 1000 }], false],
  ]
  for (const [what, happenings, slow] of CASES) {
    test(`${what}: ${slow ? 'yes' : 'no'}`, () => assert.equal(isTooSlow(happenings), slow))
  }

  test('with rate 0: nobody', () => {
    assert.equal(isTooSlow([{ wait: 1e6, bytes: 0 }], { ...LIMITS, rate: 0 }), false)
  })

  test('who takes a large chunk has the time that the rate allows for it', () => {
    let now = 0
    let slow = false
    const pace = new Pace(LIMITS, () => now * 1000)
    const body = pace.begin(() => {
      slow = true
    })
    for (const [second, expected] of [
      [99, false],
      [101, true],
    ] as const) {
      body.wait(10_000)
      now = second
      pace.look()
      assert.equal(slow, expected)
      now = 0
    }
  })
})

/** A clock that is moved by hand, and a pace that goes by it. */
function handClock() {
  let now = 0
  const pace = new Pace({ rate: 1024, patience: 60_000 }, () => now)
  /** Lets time go by until the promise is settled. */
  const until = async <T>(promise: Promise<T>): Promise<T> => {
    let settled = false
    const done = () => {
      settled = true
    }
    promise.then(done, done)
    while (!settled) {
      now += 30_000
      pace.look()
      await setImmediate()
    }
    return await promise
  }
  return { pace, until }
}

const CONTENT = Buffer.from('0123456789'.repeat(100))

test('a slow upload is answered with 408, and goes on later from where it was', async t => {
  const { pace, until } = handClock()
  const { running, send, log } = await testServer(t, {}, pace)
  const { headers } = await send('POST', '/v2/app/blobs/uploads/')
  const place = headers.location ?? ''
  const outgoing = request(`${running.url}${place}`, { method: 'PATCH', headers: { 'Content-Length': CONTENT.length } })
  outgoing.on('error', () => {})
  t.after(() => outgoing.destroy())
  const answered = new Promise<IncomingMessage>(resolve => outgoing.once('response', resolve))
  await new Promise(resolve => outgoing.write(CONTENT.subarray(0, 400), resolve))
  const answer = await until(answered)
  assert.deepEqual([answer.statusCode, answer.headers.connection], [408, 'close'])
  assert.match(log(), /"client too slow"/)
  const state = await send('GET', place)
  const size = Number(/^0-(\d+)$/.exec(state.headers.range ?? '')?.[1]) + 1
  assert.equal(size, 400)
  const digest = sha256(CONTENT)
  const rest = await send('PUT', `${place}?digest=${digest}`, { body: CONTENT.subarray(size) })
  assert.equal(rest.status, 201)
  assert.deepEqual((await send('GET', `/v2/app/blobs/${digest}`)).body, CONTENT)
})

test('a client that does not take its download is let go', async t => {
  const { pace, until } = handClock()
  const { running, send, log } = await testServer(t, {}, pace)
  // More than the buffers between the two.
  const digest = await putBlob(send, 'app', Buffer.alloc(32 * 1024 * 1024))
  const outgoing = request(`${running.url}/v2/app/blobs/${digest}`)
  t.after(() => outgoing.destroy())
  const answer = await new Promise<IncomingMessage>((resolve, reject) =>
    outgoing.once('response', resolve).once('error', reject).end(),
  )
  assert.equal(answer.statusCode, 200)
  await until(ended())
  await assert.rejects(Array.fromAsync(answer), { code: 'ECONNRESET' })

  /** Of a request there is a line in the log when it has ended. */
  async function ended(): Promise<void> {
    while (!/"method":"GET","path":"[^"]*\/blobs\/sha256/.test(log())) await setImmediate()
  }
})
