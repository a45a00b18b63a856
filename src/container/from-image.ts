import { DEFAULT_SHELL, setEnv } from '../build/stage-state.ts'
import { ShaleError } from '../error.ts'
import { DEFAULT_NETWORK } from '../network/options.ts'
import type { ImageToRun } from './image.ts'
import type { ContainerOptions, HealthOptions } from './options.ts'
import type { RunImageOptions } from './run.ts'

/** What was asked for, with what the image says where nothing was. Throws `NO_COMMAND`. */
export function containerOptions(asked: RunImageOptions, { state }: ImageToRun): ContainerOptions {
  const { config } = state
  const { streams } = asked
  const health = healthOf(asked, config)
  return {
    image: asked.image,
    ...commandOf(asked, config),
    env: (asked.env ?? []).reduce((env, line) => {
      const split = line.indexOf('=')
      return setEnv(env, line.slice(0, split), line.slice(split + 1))
    }, config.Env ?? []),
    workdir: asked.workdir ?? config.WorkingDir ?? '/',
    user: asked.user ?? config.User ?? '',
    groupAdd: asked.groupAdd ?? [],
    network: asked.network ?? DEFAULT_NETWORK,
    exposedPorts: Object.keys(config.ExposedPorts ?? {}),
    ...(asked.isolation !== undefined && { isolation: asked.isolation }),
    ...(asked.hostname !== undefined && { hostname: asked.hostname }),
    ...(asked.addHosts !== undefined && { addHosts: [...asked.addHosts] }),
    readonlyRoot: asked.readonlyRoot ?? false,
    ...(asked.platform !== undefined && { platform: asked.platform }),
    tty: typeof streams === 'object',
    interactive: asked.interactive ?? false,
    autoRemove: asked.autoRemove ?? true,
    labels: { ...config.Labels, ...asked.labels },
    restart: asked.restart ?? { name: 'no', maximumRetryCount: 0 },
    stopSignal: asked.stopSignal ?? config.StopSignal ?? 'SIGTERM',
    stopTimeout: asked.stopTimeout ?? 10,
    ...(health !== undefined && { health }),
    log: asked.log ?? { driver: 'json-file', maxFile: 1 },
  }
}

/** Entrypoint and command as docker combines them. */
function commandOf(
  { image, entrypoint, command: given = [] }: RunImageOptions,
  { Entrypoint = [], Cmd = [] }: ImageToRun['state']['config'],
): Pick<ContainerOptions, 'entrypoint' | 'command'> {
  const own = entrypoint === undefined ? undefined : entrypoint === '' ? [] : [entrypoint]
  const command = given.length > 0 || own !== undefined ? given : Cmd
  const whole = { entrypoint: own ?? Entrypoint, command }
  if (whole.entrypoint.length + command.length > 0) return whole
  throw new ShaleError('NO_COMMAND', `no command specified: ${image} names none and none was given`, {
    exitCode: 125,
    hint: 'write the command after the image',
  })
}

const NANOSECONDS = 1e6

/** docker's defaults: every 30 s, with 30 s for each, three failures. */
function healthOf({ health }: RunImageOptions, config: ImageToRun['state']['config']): HealthOptions | undefined {
  const { Test, Interval, Timeout, StartPeriod, StartInterval, Retries } = config.Healthcheck ?? {}
  const test = health?.test ?? testOf(Test ?? [], config.Shell ?? DEFAULT_SHELL)
  if (test.length === 0) return undefined
  const milliseconds = (nanoseconds: number | undefined, otherwise: number): number =>
    nanoseconds ? nanoseconds / NANOSECONDS : otherwise
  return {
    intervalMs: milliseconds(Interval, 30_000),
    timeoutMs: milliseconds(Timeout, 30_000),
    startPeriodMs: milliseconds(StartPeriod, 0),
    startIntervalMs: milliseconds(StartInterval, 5000),
    retries: Retries || 3,
    ...health,
    test,
  }
}

function testOf([kind, ...words]: readonly string[], shell: readonly string[]): readonly string[] {
  if (kind === 'CMD') return words
  return kind === 'CMD-SHELL' ? [...shell, ...words] : []
}
