import { ShaleError, type SourceRange } from '../error.ts'

/** The file that errors point into. */
export interface SourceFile {
  readonly file: string
  readonly text: string
}

/** A mistake in a Dockerfile, before it is known which file it stands in. */
export class Failure extends Error {
  readonly code: string
  readonly range: SourceRange | undefined
  readonly hint: string | undefined

  constructor(code: string, message: string, range?: SourceRange, hint?: string) {
    super(message)
    this.code = code
    this.range = range
    this.hint = hint
  }
}

/** Runs `work`; a {@link Failure} in it becomes a `ShaleError` that points into `source`. */
export function located<T>(source: SourceFile | undefined, fallback: SourceRange | undefined, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const range = error.range ?? fallback
    throw new ShaleError(error.code, error.message, {
      hint: error.hint,
      source: source !== undefined && range !== undefined ? { file: source.file, text: source.text, range } : undefined,
    })
  }
}
