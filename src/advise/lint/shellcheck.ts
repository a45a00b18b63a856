import { execFile } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { isErrno, ShaleError, type SourceRange } from '../../error.ts'
import type { Finding, Severity } from '../rule.ts'
import { shellView } from '../shell/view.ts'
import type { LintStep, LintSubject } from './subject.ts'

/** What is asked of ShellCheck: one script, in which shell, with the environment of its RUN. */
export interface ShellCheckJob {
  readonly text: string
  readonly shell: string
  readonly range: (start: number, end: number) => SourceRange
}

interface Comment {
  readonly line: number
  readonly column: number
  readonly endLine: number
  readonly endColumn: number
  readonly level: Severity
  readonly code: number
  readonly message: string
}

const SHELLS: ReadonlySet<string> = new Set(['sh', 'bash', 'dash', 'ksh', 'busybox'])
/** They are about a script as a file: its first line, variables that come from elsewhere. */
const EXCLUDED = ['2187', '1090', '1091', '1008']
/** What is set in every RUN. */
const ALWAYS = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY']
const LONGEST = 30_000
const MAX_OUTPUT = 64 * 1024 * 1024

/** The scripts of a file that ShellCheck understands. */
export function shellCheckJobs({ steps }: LintSubject, escapeChar: '\\' | '`'): readonly ShellCheckJob[] {
  return steps.flatMap(step => {
    const { instruction, outer, shell } = step
    if (instruction.kind !== 'run' || !shell.posix) return []
    const view = shellView(outer, instruction, escapeChar)
    if (view === undefined) return []
    const name = shell.name === 'ash' ? 'dash' : shell.name
    return SHELLS.has(name)
      ? [{ text: exported(step) + view.text, shell: name, range: shifted(view.range, exported(step)) }]
      : []
  })
}

/** The variables that ARG and ENV set, in a line before the script. */
function exported({ variables }: LintStep): string {
  const proxies = [...ALWAYS, ...ALWAYS.map(name => name.toLowerCase())]
  const names = [...proxies, ...variables.names].filter(name => /^[A-Za-z_]\w*$/.test(name))
  return `export ${names.map(name => `${name}=1`).join(' ')}\n`
}

function shifted(range: ShellCheckJob['range'], head: string): ShellCheckJob['range'] {
  return (start, end) => range(Math.max(0, start - head.length), Math.max(0, end - head.length))
}

/** What ShellCheck says of the scripts; nothing when it is not installed. */
export async function shellCheck(jobs: readonly ShellCheckJob[], signal: AbortSignal): Promise<readonly Finding[]> {
  const found: (readonly Finding[])[] = []
  const left = [...jobs.entries()].filter(([, { text }]) => text.length <= LONGEST)
  const work = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [index, job] = next
      const output = await run(job, signal)
      if (output === undefined) return
      found[index] = commentsOf(output).map(comment => findingOf(comment, job))
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
  return found.flat()
}

function findingOf({ code, message, level, ...place }: Comment, { text, range }: ShellCheckJob): Finding {
  const start = offsetOf(text, place.line, place.column)
  const end = offsetOf(text, place.endLine, place.endColumn)
  const rule = { name: `SC${code}`, description: message, severity: level }
  return { rule, range: range(start, end), detail: message }
}

function commentsOf(output: string): readonly Comment[] {
  const { comments = [] } = JSON.parse(output) as { readonly comments?: readonly Comment[] }
  return comments
}

function offsetOf(text: string, line: number, column: number): number {
  let at = 0
  for (let current = 1; current < line; current++) at = text.indexOf('\n', at) + 1
  return at + column - 1
}

function run({ text, shell }: ShellCheckJob, signal: AbortSignal): Promise<string | undefined> {
  const args = ['--format=json1', '--norc', `--shell=${shell}`, `--exclude=${EXCLUDED.join(',')}`, '-']
  return new Promise((resolve, reject) => {
    const child = execFile('shellcheck', args, { signal, maxBuffer: MAX_OUTPUT }, (error, stdout) => {
      // Its code is 1 when there is something to say.
      if (error === null || error.code === 1) resolve(stdout)
      else if (isErrno(error, 'ENOENT')) resolve(undefined)
      else reject(new ShaleError('SHELLCHECK', `shellcheck failed: ${error.message}`, { cause: error }))
    })
    child.stdin?.on('error', () => {})
    child.stdin?.end(text)
  })
}
