import type { StopOptions } from '../container/signal.ts'
import { signalName } from '../container/signal-name.ts'
import { type FlagValues, text } from './flag.ts'
import { seconds } from './life-flags.ts'

export const stopFlags = {
  signal: text('Signal that asks it to end', { short: 's', placeholder: 'signal' }),
  timeout: text('Seconds until it is killed; -1: never', { short: 't', placeholder: 'seconds' }),
  time: text('', { placeholder: 'seconds', hidden: true }),
}

/** Throws `INVALID_SIGNAL`, `INVALID_SECONDS`. */
export function stopOptions({ signal, timeout, time }: FlagValues<typeof stopFlags>): StopOptions {
  const given = timeout ?? time
  return {
    ...(signal !== undefined && { signal: signalName(signal) }),
    ...(given !== undefined && { timeout: seconds('timeout', given) }),
  }
}
