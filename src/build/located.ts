import type { Dockerfile } from '../dockerfile/parse.ts'
import { ShaleError, type SourceRange } from '../error.ts'

/** The error with the place of the instruction it comes from; errors that know theirs, and others, as they are. */
export function located(error: unknown, { file, text }: Dockerfile, range: SourceRange | undefined): unknown {
  if (!(error instanceof ShaleError) || error.source !== undefined || range === undefined) return error
  const { code, message, hint, exitCode } = error
  return new ShaleError(code, message, { hint, exitCode, cause: error, source: { file, text, range } })
}
