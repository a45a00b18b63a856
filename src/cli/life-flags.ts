import { readFileSync } from 'node:fs'
import type { LogOptions } from '../container/options.ts'
import { parseRestartPolicy } from '../container/restart-policy.ts'
import type { RunImageOptions } from '../container/run.ts'
import { signalName } from '../container/signal-name.ts'
import { ShaleError } from '../error.ts'
import { parseMoment } from '../store/moment.ts'
import { boolean, type FlagValues, list, text } from './flag.ts'
import { parseBytes } from './format/size.ts'
import { keyValues } from './key-values.ts'

/** docker's flags for what becomes of a container in time. */
export const lifeFlags = {
  cidfile: text('File to write the container’s ID to, which must not exist', { placeholder: 'file' }),
  healthCmd: text('Command that says whether it is well, for a shell', { placeholder: 'command' }),
  healthInterval: text('Time between checks (30s)', { placeholder: 'duration' }),
  healthRetries: text('Failures until it is unhealthy (3)', { placeholder: 'number' }),
  healthStartInterval: text('Time between checks in the start period (5s)', { placeholder: 'duration' }),
  healthStartPeriod: text('Time in which failures do not count', { placeholder: 'duration' }),
  healthTimeout: text('Time for a check (30s)', { placeholder: 'duration' }),
  label: list('Label of the container', { short: 'l', placeholder: 'NAME=value' }),
  labelFile: list('File of labels', { placeholder: 'file' }),
  logDriver: text('Where the output is kept: json-file (default) or none', {
    choices: ['json-file', 'local', 'none'],
  }),
  logOpt: list('max-size=10m, max-file=3: how much of the output is kept', { placeholder: 'name=value' }),
  noHealthcheck: boolean('Do not check it, whatever the image says'),
  restart: text('When to start it again: no (default), on-failure[:N], always, unless-stopped', {
    placeholder: 'policy',
  }),
  stopSignal: text('Signal that asks it to end; default: what the image says, or SIGTERM', { placeholder: 'signal' }),
  stopTimeout: text('Seconds from that signal to SIGKILL (10); -1: never', { placeholder: 'seconds' }),
}

type Life = Pick<RunImageOptions, 'health' | 'labels' | 'log' | 'restart' | 'stopSignal' | 'stopTimeout'>

/** What the flags ask for. Throws `INVALID_RESTART_POLICY`, `INVALID_SIGNAL`, `INVALID_LOG_OPTION`. */
export function lifeOf(flags: FlagValues<typeof lifeFlags>): Life {
  const { stopSignal, stopTimeout, restart } = flags
  return {
    labels: keyValues([...flags.labelFile.flatMap(linesOf), ...flags.label], () => '', 'label'),
    health: healthOf(flags),
    log: logOptions(flags.logDriver, flags.logOpt),
    ...(restart !== undefined && { restart: parseRestartPolicy(restart) }),
    ...(stopSignal !== undefined && { stopSignal: signalName(stopSignal) }),
    ...(stopTimeout !== undefined && { stopTimeout: seconds('stop-timeout', stopTimeout) }),
  }
}

/** A whole number of seconds, -1 for never. Throws `INVALID_SECONDS`. */
export function seconds(flag: string, word: string): number {
  if (/^(?:-1|\d{1,9})$/.test(word)) return Number(word)
  throw new ShaleError('INVALID_SECONDS', `invalid value ${JSON.stringify(word)} for --${flag}: write seconds, or -1`)
}

function linesOf(path: string): readonly string[] {
  const lines = readFileSync(path, 'utf8').split(/\r?\n/)
  return lines.map(line => line.trim()).filter(line => line !== '' && !line.startsWith('#'))
}

function logOptions(driver: string | undefined, words: readonly string[]): LogOptions {
  const options = keyValues(words, () => '', 'log option')
  const unknown = Object.keys(options).find(name => name !== 'max-size' && name !== 'max-file')
  if (unknown !== undefined) {
    throw new ShaleError('INVALID_LOG_OPTION', `unknown log opt '${unknown}' for json-file log driver`, {
      hint: 'max-size and max-file are known',
    })
  }
  const { 'max-size': size, 'max-file': files = '1' } = options
  if (!/^[1-9]\d{0,4}$/.test(files)) throw new ShaleError('INVALID_LOG_OPTION', `max-file=${files}: no number of files`)
  if (Number(files) > 1 && size === undefined) {
    throw new ShaleError('INVALID_LOG_OPTION', 'max-file needs max-size: without one, nothing begins a new file')
  }
  return {
    driver: driver === 'none' ? 'none' : 'json-file',
    maxFile: Number(files),
    ...(size !== undefined && size !== '-1' && { maxSize: parseBytes(size) }),
  }
}

function healthOf(flags: FlagValues<typeof lifeFlags>): RunImageOptions['health'] {
  if (flags.noHealthcheck) {
    if (flags.healthCmd === undefined) return { test: [] }
    throw new ShaleError('CONFLICTING_OPTIONS', '--no-healthcheck conflicts with --health-* options')
  }
  const { healthCmd, healthRetries } = flags
  const times = {
    intervalMs: duration('health-interval', flags.healthInterval),
    timeoutMs: duration('health-timeout', flags.healthTimeout),
    startPeriodMs: duration('health-start-period', flags.healthStartPeriod),
    startIntervalMs: duration('health-start-interval', flags.healthStartInterval),
  }
  if (healthRetries !== undefined && !/^[1-9]\d{0,5}$/.test(healthRetries)) {
    throw new ShaleError('INVALID_NUMBER', `invalid value ${JSON.stringify(healthRetries)} for --health-retries`)
  }
  return {
    ...(healthCmd !== undefined && { test: ['/bin/sh', '-c', healthCmd] }),
    ...(healthRetries !== undefined && { retries: Number(healthRetries) }),
    ...Object.fromEntries(Object.entries(times).filter(([, value]) => value !== undefined)),
  }
}

/** A Go duration in milliseconds. Throws `INVALID_DURATION`. */
function duration(flag: string, word: string | undefined): number | undefined {
  if (word === undefined) return undefined
  const moment = /[a-z]$/.test(word) ? parseMoment(word, 0) : undefined
  if (moment !== undefined && -moment >= 1) return -moment
  throw new ShaleError('INVALID_DURATION', `invalid value ${JSON.stringify(word)} for --${flag}`, {
    hint: 'write a duration of 1ms or more: 30s, 1m30s',
  })
}
