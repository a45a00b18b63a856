import { ShaleError } from '../error.ts'
import type { BuildOptions } from './options.ts'
import type { BuildPlan } from './plan.ts'

const NAME = 'SOURCE_DATE_EPOCH'

/** The epoch that was asked for as a build argument too, so that a RUN that declares the ARG sees it. */
export function withEpochArg(options: BuildOptions): BuildOptions {
  const { sourceDateEpoch, buildArgs } = options
  if (sourceDateEpoch === undefined || buildArgs?.[NAME] !== undefined) return options
  return { ...options, buildArgs: { ...buildArgs, [NAME]: String(sourceDateEpoch) } }
}

/**
 * Options with the epoch in force: the build argument, else the default of a global ARG. `context` means the time of the
 * context, which a folder does not have. Throws `INVALID_SOURCE_DATE_EPOCH`.
 */
export function withEpoch(options: BuildOptions, plan: BuildPlan): BuildOptions {
  const text = options.buildArgs?.[NAME] ?? plan.globals.get(NAME) ?? ''
  if (text === '' || text === 'context') return { ...options, sourceDateEpoch: undefined }
  if (/^\d{1,12}$/.test(text)) return { ...options, sourceDateEpoch: Number(text) }
  throw new ShaleError('INVALID_SOURCE_DATE_EPOCH', `invalid ${NAME}: ${text}`, {
    hint: 'write seconds since 1970, as `git log -1 --format=%ct` prints them',
  })
}
