import { relative, resolve } from 'node:path'
import { ShaleError, type SourceRange } from '../error.ts'

/** A place in a file of the work tree, and what to say there. */
export interface Annotation {
  readonly level: 'error' | 'warning' | 'notice'
  readonly message: string
  readonly title?: string | undefined
  /** Relative to the folder that the repository was checked out into. */
  readonly file?: string | undefined
  readonly range?: SourceRange | undefined
}

export type AnnotationFormat = 'github' | 'none'

/** What the flag says, else what fits the machine: GitHub's runners set GITHUB_ACTIONS. */
export function annotationFormat(
  flag: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): AnnotationFormat {
  if (flag === 'github' || flag === 'none') return flag
  return env.GITHUB_ACTIONS === 'true' ? 'github' : 'none'
}

/**
 * A workflow command, which GitHub shows beside the line in the changes of a pull request.
 *
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
 */
export function githubLine({ level, message, title, file, range }: Annotation): string {
  const properties = [
    ['file', file],
    ['line', file && range?.start.line],
    ['endLine', file && range?.end.line],
    // GitHub takes columns only of a range within one line.
    ['col', file && range?.start.line === range?.end.line ? range?.start.column : undefined],
    ['title', title],
  ] as const
  const written = properties.flatMap(([name, value]) => (value ? [`${name}=${escapeProperty(String(value))}`] : []))
  return `::${level}${written.length === 0 ? '' : ` ${written.join(',')}`}::${escapeData(message)}`
}

function escapeData(text: string): string {
  return text.replace(/%/g, '%25').replace(/\r/g, '%0D').replace(/\n/g, '%0A')
}

function escapeProperty(text: string): string {
  return escapeData(text).replace(/:/g, '%3A').replace(/,/g, '%2C')
}

/** An error as an annotation; where it points into is named by `placeOf`. */
export function errorAnnotation(error: unknown, placeOf: (file: string) => string): Annotation {
  const message = error instanceof Error ? error.message : String(error)
  if (!(error instanceof ShaleError)) return { level: 'error', message }
  const { source, hint, code } = error
  const text = hint === undefined ? message : `${message}\nhint: ${hint}`
  return { level: 'error', message: text, title: code, file: source && placeOf(source.file), range: source?.range }
}

/** Names a build's file as the repository does: errors call it by its path in the context. */
export function placeIn(context: string, env: Readonly<Record<string, string | undefined>>): (file: string) => string {
  return file => relative(env.GITHUB_WORKSPACE || process.cwd(), resolve(context, file))
}
