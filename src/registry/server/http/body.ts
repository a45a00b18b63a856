import type { IncomingMessage } from 'node:http'
import type { Pace } from './pace.ts'

/** So much of a body is in memory at most before its reader takes it, apart from what one read brings. */
const MAX_WAITING_BYTES = 256 * 1024

/**
 * A request's body, chunk by chunk as the parser made them: Node's own iterator would join those that wait, and copy
 * each once more for that. A chunk is only good until the next is asked for. Throws when the body ends before it should,
 * and when it comes too slowly. Whoever stops early leaves the rest unread.
 */
export async function* bodyOf(incoming: IncomingMessage, pace: Pace): AsyncGenerator<Uint8Array> {
  let waiting: Uint8Array[] = []
  let bytes = 0
  let wake = () => {}
  const onData = (chunk: Uint8Array) => {
    waiting.push(chunk)
    bytes += chunk.byteLength
    if (bytes >= MAX_WAITING_BYTES) incoming.pause()
    wake()
  }
  const onEnd = () => wake()
  let slow: Error | undefined
  const pacing = pace.begin(error => {
    slow = error
    wake()
  })
  incoming.on('data', onData).on('end', onEnd).on('close', onEnd).on('error', onEnd)
  try {
    for (;;) {
      pacing.moved(bytes)
      const chunks = waiting
      waiting = []
      bytes = 0
      for (const chunk of chunks) {
        yield chunk
        release(chunk)
      }
      if (waiting.length > 0) continue
      if (incoming.readableEnded) return
      if (incoming.destroyed) throw incoming.errored ?? new Error('the body broke off')
      if (slow !== undefined) throw slow
      incoming.resume()
      pacing.wait()
      await new Promise<void>(resolve => {
        wake = resolve
      })
    }
  } finally {
    pacing.end()
    incoming.off('data', onData).off('end', onEnd).off('close', onEnd).pause()
  }
}

/** Gives a chunk's memory back now: left to the garbage collector, a large body makes it run all the time. */
function release({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
}
