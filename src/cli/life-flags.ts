import { readFileSync } from 'node:fs'
import type { LogOptions } from '../container/options.ts'
import { parseRestartPolicy } from '../container/restart-policy.ts'
import type { RunImageOptions } from '../container/run.ts'
import { signalName } from '../container/signal-name.ts'
import { ShaleError } from '../error.ts'
import { type FlagValues, list, text } from './flag.ts'
import { parseBytes } from './format/size.ts'
import { keyValues } from './key-values.ts'

/** docker's flags for what becomes of a container in time. */
export const lifeFlags = {
  cidfile: text('File to write the container’s ID to, which must not exist', { placeholder: 'file' }),
  label: list('Label of the container', { short: 'l', placeholder: 'NAME=value' }),
  labelFile: list('File of labels', { placeholder: 'file' }),
  logDriver: text('Where the output is kept: json-file (default) or none', {
    choices: ['json-file', 'local', 'none'],
  }),
  logOpt: list('max-size=10m, max-file=3: how much of the output is kept', { placeholder: 'name=value' }),
  restart: text('When to start it again: no (default), on-failure[:N], always, unless-stopped', {
    placeholder: 'policy',
  }),
  stopSignal: text('Signal that asks it to end; default: what the image says, or SIGTERM', { placeholder: 'signal' }),
  stopTimeout: text('Seconds from that signal to SIGKILL (10); -1: never', { placeholder: 'seconds' }),
}

type Life = Pick<RunImageOptions, 'labels' | 'log' | 'restart' | 'stopSignal' | 'stopTimeout'>

/** What the flags ask for. Throws `INVALID_RESTART_POLICY`, `INVALID_SIGNAL`, `INVALID_LOG_OPTION`. */
export function lifeOf(flags: FlagValues<typeof lifeFlags>): Life {
  const { stopSignal, stopTimeout, restart } = flags
  return {
    labels: keyValues([...flags.labelFile.flatMap(linesOf), ...flags.label], () => '', 'label'),
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
