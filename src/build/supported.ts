import type { Instruction } from '../dockerfile/instruction.ts'
import type { Dockerfile } from '../dockerfile/parse.ts'
import { ShaleError } from '../error.ts'
import { located } from './located.ts'

/** What a remote source of ADD begins with. */
const REMOTE = /^(?:https?:\/\/|git@|git:\/\/|ssh:\/\/)/

/** Refuses what this version cannot do before anything runs, and points at the line. */
export function checkSupported(dockerfile: Dockerfile, instructions: readonly Instruction[]): void {
  for (const instruction of instructions) {
    try {
      refuseUnsupported(instruction)
    } catch (error) {
      throw located(error, dockerfile, instruction.range)
    }
  }
}

/** Throws `RUN_MOUNT_UNSUPPORTED`, `COPY_URL`, `ADD_REMOTE_UNSUPPORTED`. */
export function refuseUnsupported(instruction: Instruction): void {
  if (instruction.kind === 'run' && instruction.mounts.length > 0) {
    const message = `RUN --mount=${instruction.mounts[0]?.text} is not supported by this version of Shale`
    throw new ShaleError('RUN_MOUNT_UNSUPPORTED', message, {
      hint: 'copy the files with COPY, or build this Dockerfile with BuildKit for now',
    })
  }
  if (instruction.kind !== 'copy' && instruction.kind !== 'add') return
  const remote = instruction.sources.find(source => REMOTE.test(source))
  if (remote === undefined || (instruction.kind === 'copy' && instruction.from !== undefined)) return
  if (instruction.kind === 'copy') {
    throw new ShaleError('COPY_URL', "source can't be a URL for COPY", { hint: 'use ADD, or RUN with curl' })
  }
  const message = `ADD ${remote}: remote sources are not supported by this version of Shale`
  throw new ShaleError('ADD_REMOTE_UNSUPPORTED', message, {
    hint: 'download it in a RUN step, or put the file into the build context',
  })
}
