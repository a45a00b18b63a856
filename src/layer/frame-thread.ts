// A thread that fills and compresses frames for `threadCrew`. One message is one frame.
import { parentPort, workerData } from 'node:worker_threads'
import { frameCodec } from './frame-codec.ts'
import type { CrewOptions, ThreadAnswer } from './frame-crew.ts'
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
    if (filled.reused || codec.keepsFrames) return filled
    const { buffer, byteOffset, length } = codec.compressSync(Buffer.from(filled.plain, 0, task.used))
    // Small buffers share memory with others, which cannot be given away.
    const compressed = task.used < SMALL ? buffer.slice(byteOffset, byteOffset + length) : buffer
    return { ...filled, compressed: compressed as ArrayBuffer, length }
  } catch (error) {
    if (error instanceof FrameError) return { failure: error.failure }
    throw error
  }
}
