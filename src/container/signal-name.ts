import { constants } from 'node:os'
import { ShaleError } from '../error.ts'

/** `9`, `KILL`, `SIGKILL` → `SIGKILL`. Throws `INVALID_SIGNAL` in docker's words. */
export function signalName(text: string): NodeJS.Signals {
  const number = /^\d+$/.test(text) ? Number(text) : undefined
  const name = text.toUpperCase().replace(/^(?!SIG)/, 'SIG')
  const found = Object.entries(constants.signals).find(([known, value]) => known === name || value === number)
  if (found === undefined) throw new ShaleError('INVALID_SIGNAL', `invalid signal: ${text}`)
  return found[0] as NodeJS.Signals
}
