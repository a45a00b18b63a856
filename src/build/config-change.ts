import { posix } from 'node:path'
import { expandInstruction } from '../dockerfile/expand.ts'
import { parseInstruction } from '../dockerfile/parse.ts'
import { ShaleError } from '../error.ts'
import type { ExecutionConfig } from '../oci/image-config.ts'
import { applyMetadata, isMetadata } from './ops/metadata.ts'
import { lookupVariable, type StageState } from './stage-state.ts'

/**
 * The configuration after lines of a Dockerfile that change nothing else, as `--change` has them. Throws
 * `CHANGE_NOT_POSSIBLE` for RUN, COPY and the like, and what the parser throws.
 */
export function changeConfig(start: StageState, changes: readonly string[]): ExecutionConfig {
  return changes.reduce(changed, start).config
}

function changed(state: StageState, line: string): StageState {
  const written = parseInstruction(line, { file: '--change' })
  const instruction = expandInstruction(written, name => lookupVariable(state, name))
  if (instruction.kind === 'workdir') {
    const WorkingDir = posix.resolve(state.config.WorkingDir ?? '/', instruction.path)
    return { ...state, config: { ...state.config, WorkingDir } }
  }
  if (isMetadata(instruction) && instruction.kind !== 'maintainer' && instruction.kind !== 'shell') {
    return applyMetadata(state, instruction)
  }
  throw new ShaleError('CHANGE_NOT_POSSIBLE', `${instruction.kind} is not a valid change command: ${line}`, {
    hint: 'CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME and WORKDIR are',
  })
}
