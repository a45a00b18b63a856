// A thread that fills and compresses frames for `threadCrew`. One message is one frame.
import { parentPort, workerData } from 'node:worker_threads'
import { frameCodec } from './frame-codec.ts'
import type { CrewOptions, FrameWork, ThreadAnswer } from './frame-crew.ts'
import { copyFrame, FrameError, type FrameTask, fillFrame } from './frame-task.ts'

const { compression, level } = workerData as CrewOptions
const codec = frameCodec(compression, level)

parentPort?.on('message', (work: FrameWork) => {
  const answer = done(work)
  const moved = 'failure' in answer || answer.compressed === undefined ? [] : [answer.compressed]
  parentPort?.postMessage(answer, moved)
})

function done(work: FrameWork): ThreadAnswer {
  try {
    return work.kind === 'task' ? complete(work) : given('', copyFrame(work))
  } catch (error) {
    if (error instanceof FrameError) return { failure: error.failure }
    throw error
  }
}

function complete(task: FrameTask): ThreadAnswer {
  const digests = fillFrame(task)
  return codec.keepsFrames ? { digests } : given(digests, codec.compressSync(Buffer.from(task.plain, 0, task.used)))
}

function given(digests: string, bytes: Buffer): ThreadAnswer {
  return { digests, compressed: own(bytes), length: bytes.length }
}

const SMALL = 256 * 1024

/** Memory that can be given away: small buffers may share theirs with others. */
function own({ buffer, byteOffset, length }: Buffer): ArrayBuffer {
  const shared = byteOffset > 0 || length < SMALL
  return (shared ? buffer.slice(byteOffset, byteOffset + length) : buffer) as ArrayBuffer
}
