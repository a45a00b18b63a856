import { nearest } from '../../dockerfile/nearest.ts'
import { ShaleError } from '../../error.ts'

/** Linux' signals by the names that docker knows. Source: moby/sys/signal v0.7, `SignalMap` of Linux. */
const NAMES: ReadonlySet<string> = new Set([
  ...'ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM'.split(
    ' ',
  ),
  ...'TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX'.split(' '),
  ...Array.from({ length: 15 }, (_, step) => `RTMIN+${step + 1}`),
  ...Array.from({ length: 14 }, (_, step) => `RTMAX-${step + 1}`),
])

/** A signal as STOPSIGNAL takes it: a number, or a name with or without SIG, in any case. Throws `INVALID_SIGNAL`. */
export function stopSignal(signal: string): string {
  const name = signal.toUpperCase().replace(/^SIG/, '')
  const isNumber = /^\d+$/.test(signal)
  if (isNumber ? Number(signal) >= 1 && Number(signal) <= 64 : NAMES.has(name)) return signal
  const near = isNumber ? undefined : nearest(name, NAMES)
  throw new ShaleError('INVALID_SIGNAL', `invalid signal: ${signal}`, {
    hint: near === undefined ? 'a signal is a name such as SIGTERM or a number up to 64' : `did you mean SIG${near}?`,
  })
}
