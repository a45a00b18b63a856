import { ShaleError } from '../error.ts'
import type { RunResult } from '../sandbox/run-request.ts'
import type { RestartPolicy } from './options.ts'

/** Reads docker's `no`, `always`, `unless-stopped`, `on-failure[:N]`. Throws `INVALID_RESTART_POLICY`. */
export function parseRestartPolicy(text: string): RestartPolicy {
  const [, name, count] = /^(no|always|unless-stopped|on-failure)(?::(\d{1,9}))?$/.exec(text === '' ? 'no' : text) ?? []
  if (name === undefined) {
    throw new ShaleError('INVALID_RESTART_POLICY', `invalid restart policy: unknown policy '${text}'`, {
      hint: "use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
    })
  }
  if (count !== undefined && name !== 'on-failure') {
    const why = "maximum retry count can only be used with 'on-failure'"
    throw new ShaleError('INVALID_RESTART_POLICY', `invalid restart policy: ${why}`)
  }
  return { name: name as RestartPolicy['name'], maximumRetryCount: Number(count ?? 0) }
}

/** As docker has it: 0.1 s, doubled each time up to a minute, and from the beginning once it ran for 10 s. */
export function restartDelay(
  { name, maximumRetryCount }: RestartPolicy,
  { exitCode }: Pick<RunResult, 'exitCode'>,
  { failures, ranWell }: { readonly failures: number; readonly ranWell: boolean },
): number | undefined {
  const again =
    name === 'always' ||
    name === 'unless-stopped' ||
    (name === 'on-failure' && exitCode !== 0 && (maximumRetryCount === 0 || failures < maximumRetryCount))
  if (!again) return undefined
  return ranWell ? 100 : Math.min(100 * 2 ** Math.min(failures, 20), 60_000)
}
