import { ShaleError } from '../error.ts'
import { located } from './located.ts'
import type { BuildOptions } from './options.ts'
import { type BuildPlan, findStage, type PlannedStage } from './plan.ts'

const NAME = 'SOURCE_DATE_EPOCH'

/** The epoch that was asked for as a build argument too, so that a RUN that declares the ARG sees it. */
export function withEpochArg(options: BuildOptions): BuildOptions {
  const { sourceDateEpoch, buildArgs } = options
  if (sourceDateEpoch === undefined || buildArgs?.[NAME] !== undefined) return options
  return { ...options, buildArgs: { ...buildArgs, [NAME]: String(sourceDateEpoch) } }
}

/**
 * Options with the epoch in force: the build argument, else the default of a global ARG. `context` means the time of the
 * context, the commit's or what a server or an archive says; a folder has one if the build is to be reproducible. Throws
 * `INVALID_SOURCE_DATE_EPOCH`, `NO_SOURCE_DATE`.
 */
export function withEpoch(options: BuildOptions, plan: BuildPlan, contextTime?: number): BuildOptions {
  const text = options.buildArgs?.[NAME] ?? plan.globals.get(NAME) ?? (options.reproducible ? 'context' : '')
  if (text === '') return { ...options, sourceDateEpoch: undefined }
  if (text === 'context') {
    if (options.reproducible && contextTime === undefined) throw noSourceDate(options)
    const buildArgs = { ...options.buildArgs, [NAME]: contextTime === undefined ? '' : String(contextTime) }
    return { ...options, buildArgs, sourceDateEpoch: contextTime }
  }
  if (/^\d{1,12}$/.test(text)) return { ...options, sourceDateEpoch: Number(text) }
  const stage = findStage(plan.dockerfile, text)
  throw stage === undefined ? invalid(`invalid ${NAME}: ${text}`) : stageRefused(plan, stage)
}

function noSourceDate({ context }: BuildOptions): ShaleError {
  const message = `a reproducible build takes its time from the commit of its context, and ${context} has none`
  return new ShaleError('NO_SOURCE_DATE', message, {
    hint: 'commit it to a git repository, or set SOURCE_DATE_EPOCH to seconds since 1970',
  })
}

function invalid(message: string, hint = 'write seconds since 1970, as `git log -1 --format=%ct` prints them') {
  return new ShaleError('INVALID_SOURCE_DATE_EPOCH', message, { hint })
}

/**
 * Why the time of this stage cannot be the epoch: such a stage has one remote ADD and nothing else, and remote sources
 * are not in this version.
 */
function stageRefused({ dockerfile, stages }: BuildPlan, index: number): unknown {
  const { stage, base } = stages[index] as PlannedStage
  const hint = 'a stage that gives the time is FROM scratch with one remote ADD; or write seconds since 1970'
  if (base.kind !== 'scratch') {
    return located(invalid(`${NAME} stage must use FROM scratch`, hint), dockerfile, stage.from.range)
  }
  const other = stage.instructions.find(({ kind }) => kind !== 'arg' && kind !== 'add')
  if (other !== undefined) {
    const problem = `unsupported ${other.keyword.toUpperCase()} instruction`
    const message = `${NAME} stage does not meet source-only requirements: ${problem}`
    return located(invalid(message, hint), dockerfile, other.range)
  }
  const add = stage.instructions.find(({ kind }) => kind === 'add')
  const message = `${NAME} from a remote source is not supported by this version of Shale`
  return located(invalid(message), dockerfile, add?.range ?? stage.from.range)
}
