import { nearest } from '../dockerfile/nearest.ts'
import { CATALOG, commandsOf, findCommand, GROUPS } from './catalog.ts'
import type { Context } from './command.ts'
import { NOT_OURS, NOT_YET } from './docker-commands.ts'
import { type Globals, takeGlobals } from './globals.ts'
import { processContext } from './process-context.ts'
import { UsageError } from './usage-error.ts'

/** Runs one command line and ends the process with its exit code. */
export async function runProgram(words: readonly string[]): Promise<void> {
  const exitCode = await runCommandLine(words)
  process.exit(exitCode)
}

async function runCommandLine(words: readonly string[]): Promise<number> {
  let context: Context | undefined
  let end: (() => Promise<void>) | undefined
  try {
    const { globals, rest } = takeGlobals(words)
    const owned = processContext(globals)
    context = owned.context
    end = owned.end
    return await dispatch(context, globals, rest)
  } catch (error) {
    // Whatever an interruption has broken, the interruption is what to tell about.
    const reason = context?.signal.aborted ? context.signal.reason : error
    return await fail(reason, context?.debug ?? words.includes('--debug'))
  } finally {
    await end?.()
  }
}

async function fail(error: unknown, debug: boolean): Promise<number> {
  const { describeError } = await import('./print-error.ts')
  process.stderr.write(`${describeError(error, debug)}\n`)
  const exitCode = error instanceof Error && 'exitCode' in error ? error.exitCode : undefined
  return typeof exitCode === 'number' ? exitCode : 1
}

async function dispatch(context: Context, globals: Globals, words: readonly string[]): Promise<number> {
  if (globals.version) return await showVersion(context)
  const [first] = words
  if (first === undefined || globals.help) return await showHelp(context, words.slice(0, 2))
  if (first === 'help') return await showHelp(context, words.slice(1, 3))
  const found = findCommand(words)
  if (found !== undefined) return await runEntry(context, found.form, found.rest)
  const [, second] = words
  if (first in GROUPS && (second === undefined || second === '--help' || second === '-h')) {
    return await showHelp(context, [first])
  }
  throw unknownCommand(words)
}

async function runEntry(context: Context, form: string, words: readonly string[]): Promise<number> {
  const found = findCommand(form.split(' '))
  if (found === undefined) throw unknownCommand([form])
  // It starts while we load what the command consists of; why it cannot is told when it is asked for.
  const helper = found.entry.helperFor?.(words)
  if (helper !== undefined) context.helper({ separate: helper === 'separate' }).catch(() => {})
  const [{ parseCommandLine }, command] = await Promise.all([import('./parse.ts'), found.entry.load()])
  const parsed = parseCommandLine(form, command, words)
  if (parsed.kind === 'help') return await showHelp(context, form.split(' '))
  try {
    return (await command.run(context, { args: parsed.args, flags: parsed.flags as never })) ?? 0
  } catch (error) {
    throw withExitCode(error, command.failure)
  }
}

/** Some commands promise an exit code for errors that are Shale's own (docker: 125 for `run`). */
function withExitCode(error: unknown, failure: number | undefined): unknown {
  const own = error instanceof Error && 'exitCode' in error ? error.exitCode : undefined
  if (failure === undefined || own !== undefined || !(error instanceof Error)) return error
  return Object.defineProperty(error, 'exitCode', { value: failure, configurable: true })
}

async function showVersion(context: Context): Promise<number> {
  const { VERSION } = await import('../version.ts')
  context.out.write(`Shale version ${VERSION}\n`)
  return 0
}

async function showHelp(context: Context, words: readonly string[]): Promise<number> {
  const { mainHelp, groupHelp, commandHelp } = await import('./help.ts')
  const { columns } = context.out
  const found = findCommand(words)
  const [first] = words
  if (first === undefined) context.out.write(`${mainHelp(columns)}\n`)
  else if (found !== undefined) {
    context.out.write(`${commandHelp(found.form, await found.entry.load(), columns)}\n`)
  } else if (first in GROUPS) context.out.write(`${groupHelp(first, columns)}\n`)
  else throw unknownCommand(words)
  return 0
}

/** Docker's words, and what was probably meant. */
function unknownCommand(words: readonly string[]): UsageError {
  const [first = '', second = ''] = words
  const group = first in GROUPS ? first : ''
  const name = group === '' ? first : `${group} ${second}`
  const see = `See 'shale ${group === '' ? '' : `${group} `}--help'.`
  const isFlag = (group === '' ? first : second).startsWith('-')
  if (isFlag) return new UsageError(`unknown flag: ${group === '' ? first : second}`, see, 125)
  const bare = group === 'container' ? second : name
  if (NOT_YET.has(bare)) return new UsageError(`docker's \`${name}\` is not part of Shale yet`, see, 1)
  if (NOT_OURS.has(bare)) return new UsageError(`docker's \`${name}\` is not part of Shale`, see, 1)
  const candidates = group === '' ? [...commandsOf('').map(({ name }) => name), ...Object.keys(GROUPS)] : formsOf(group)
  const near = nearest(group === '' ? first : second, candidates)
  const mean = near === undefined ? '' : `Did you mean \`shale ${group === '' ? '' : `${group} `}${near}\`?\n`
  return new UsageError(`shale: '${name}' is not a shale command.`, `${mean}${see}`, 1)
}

function formsOf(group: string): readonly string[] {
  return CATALOG.flatMap(({ forms }) => forms.filter(form => form.startsWith(`${group} `))).map(form =>
    form.slice(group.length + 1),
  )
}
