// A thread that fills and compresses frames for `threadCrew`. One message is one frame.
import { parentPort, workerData } from 'node:worker_threads'
import { frameCodec } from './frame-codec.ts'
import { type CrewOptions, crcOf, type ThreadAnswer } from './frame-crew.ts'
import { FrameError, type FrameTask, fillFrame } from './frame-task.ts'

const { compression, level, rules } = workerData as CrewOptions
const codec = frameCodec(compression, level)
const SMALL = 256 * 1024

parentPort?.on('message', (task: FrameTask) => {
  const answer = work(task)
  const moved =
    'failure' in answer ? [] : [answer.plain, ...(answer.compressed === undefined ? [] : [answer.compressed])]
  parentPort?.postMessage(answer, moved)
})

function work(task: FrameTask): ThreadAnswer {
  try {
    const filled = fillFrame(task, rules)
    if (codec.keepsFrames) return { ...filled, crc: 0 }
    const bytes = filled.reused ?? codec.compressSync(Buffer.from(filled.plain, 0, task.used))
    const { buffer, byteOffset, length } = bytes
    // Small buffers share memory with others, which cannot be given away.
    const compressed = task.used < SMALL ? buffer.slice(byteOffset, byteOffset + length) : buffer
    const { plain, digests, id } = filled
    return { plain, digests, id, compressed: compressed as ArrayBuffer, length, crc: crcOf(filled, bytes) }
  } catch (error) {
    if (error instanceof FrameError) return { failure: error.failure }
    throw error
  }
}
