import { formatDuration } from '../../dockerfile/duration.ts'
import type { CommandLine, HealthcheckInstruction, Instruction } from '../../dockerfile/instruction.ts'
import type { ExecutionConfig, Healthcheck } from '../../oci/image-config.ts'
import { DEFAULT_SHELL, type StageState, setEnv } from '../stage-state.ts'
import { parseExpose } from './expose.ts'
import { stopSignal } from './stop-signal.ts'

/** Instructions that change the image's config and nothing else. */
export type MetadataInstruction = Exclude<
  Instruction,
  { readonly kind: 'from' | 'run' | 'copy' | 'add' | 'workdir' | 'arg' }
>

export function isMetadata(instruction: Instruction): instruction is MetadataInstruction {
  return !['from', 'run', 'copy', 'add', 'workdir', 'arg'].includes(instruction.kind)
}

/** The state after an instruction that is expanded already. */
export function applyMetadata(state: StageState, instruction: MetadataInstruction): StageState {
  const { config } = state
  switch (instruction.kind) {
    case 'env': {
      const env = instruction.pairs.reduce((all, { key, value }) => setEnv(all, key, value), config.Env ?? [])
      const text = `ENV ${instruction.pairs.map(({ key, value }) => `${key}=${value}`).join(' ')}`
      return withConfig(state, { Env: env }, text)
    }
    case 'label': {
      const labels = Object.fromEntries(instruction.pairs.map(({ key, value }) => [key, value]))
      const text = `LABEL ${instruction.pairs.map(({ key, value }) => `${key}=${value}`).join(' ')}`
      return withConfig(state, { Labels: { ...config.Labels, ...labels } }, text)
    }
    case 'user':
      return withConfig(state, { User: instruction.user }, `USER ${instruction.user}`)
    case 'expose': {
      const ports = instruction.ports.flatMap(parseExpose)
      const added = Object.fromEntries(ports.map(port => [port, {}]))
      return withConfig(
        state,
        { ExposedPorts: { ...config.ExposedPorts, ...added } },
        `EXPOSE [${ports.sort().join(' ')}]`,
      )
    }
    case 'volume': {
      const added = Object.fromEntries(instruction.paths.map(path => [path, {}]))
      return withConfig(state, { Volumes: { ...config.Volumes, ...added } }, `VOLUME [${instruction.paths.join(' ')}]`)
    }
    case 'stopsignal':
      return withConfig(state, { StopSignal: stopSignal(instruction.signal) }, `STOPSIGNAL ${instruction.signal}`)
    case 'healthcheck':
      return healthcheck(state, instruction)
    case 'shell':
      return withConfig(state, { Shell: instruction.args }, `SHELL [${instruction.args.join(' ')}]`)
    case 'cmd': {
      const Cmd = commandOf(state, instruction)
      return { ...withConfig(state, { Cmd }, `CMD ${quoted(Cmd)}`), hasOwnCmd: true }
    }
    case 'entrypoint': {
      const Entrypoint = commandOf(state, instruction)
      // An inherited CMD was meant for the inherited ENTRYPOINT (Dockerfile reference, "Understand how CMD and ENTRYPOINT interact").
      const Cmd = state.hasOwnCmd ? config.Cmd : undefined
      return withConfig(state, { Entrypoint, Cmd }, `ENTRYPOINT ${quoted(Entrypoint)}`)
    }
    case 'onbuild':
      return withConfig(
        state,
        { OnBuild: [...(config.OnBuild ?? []), instruction.expression] },
        `ONBUILD ${instruction.expression}`,
      )
    case 'maintainer':
      return { ...withConfig(state, {}, `MAINTAINER ${instruction.name}`), author: instruction.name }
    default:
      return instruction satisfies never
  }
}

function withConfig(state: StageState, change: ExecutionConfig, text: string): StageState {
  return {
    ...state,
    config: { ...state.config, ...change },
    history: [...state.history, { created_by: text, empty_layer: true }],
  }
}

/** The arguments of a command: shell form goes to the stage's SHELL. */
export function commandOf(state: StageState, command: CommandLine): readonly string[] {
  return command.form === 'exec' ? command.args : [...shellOf(state), command.command]
}

export function shellOf(state: StageState): readonly string[] {
  return state.config.Shell ?? DEFAULT_SHELL
}

function healthcheck(state: StageState, check: HealthcheckInstruction): StageState {
  const config = healthcheckConfig(check)
  return withConfig(state, { Healthcheck: config }, `HEALTHCHECK ${shownHealthcheck(config)}`)
}

function healthcheckConfig(check: HealthcheckInstruction): Healthcheck {
  if (check.none) return { Test: ['NONE'] }
  return {
    Test: check.form === 'exec' ? ['CMD', ...check.args] : ['CMD-SHELL', check.command],
    ...(check.interval && { Interval: check.interval }),
    ...(check.timeout && { Timeout: check.timeout }),
    ...(check.startPeriod && { StartPeriod: check.startPeriod }),
    ...(check.startInterval && { StartInterval: check.startInterval }),
    ...(check.retries && { Retries: check.retries }),
  }
}

/** As BuildKit's history has it, which tools read: all fields, in this order. */
function shownHealthcheck({ Test = [], Retries = 0, ...times }: Healthcheck): string {
  const { Interval = 0, Timeout = 0, StartPeriod = 0, StartInterval = 0 } = times
  const shown = Object.entries({ Interval, Timeout, StartPeriod, StartInterval })
  return `{Test:[${Test.join(' ')}] ${shown.map(([name, time]) => `${name}:${formatDuration(time)}`).join(' ')} Retries:${Retries}}`
}

/** A list as Go prints it quoted, which is how docker's history shows commands. */
function quoted(words: readonly string[]): string {
  return `[${words.map(word => JSON.stringify(word)).join(' ')}]`
}
