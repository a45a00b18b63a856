/** A position in a text file, 1-based, columns counted in UTF-16 code units. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** A half-open stretch of a text file: `end` is the position after the last character. */
export interface SourceRange {
  readonly start: Position
  readonly end: Position
}

/** Where in a user's file an error was found; `text` is the whole file, so that a printer can show an excerpt. */
export interface SourceLocation {
  readonly file: string
  readonly text: string
  readonly range: SourceRange
}

export interface ErrorDetails {
  /** What the user can do about it; one sentence, no trailing period needed. */
  readonly hint?: string | undefined
  readonly cause?: unknown
  readonly source?: SourceLocation | undefined
  /** Process exit code when the command line ends with this error; 1 if absent. */
  readonly exitCode?: number | undefined
}

/**
 * The one error class of Shale. `code` is a stable machine-readable name such as `BLOB_DIGEST_MISMATCH`; `message`
 * says what failed, where and why in words for a person. Libraries throw it, only the command line prints it.
 */
export class ShaleError extends Error {
  readonly code: string
  readonly hint: string | undefined
  readonly source: SourceLocation | undefined
  readonly exitCode: number | undefined

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'ShaleError'
    this.code = code
    this.hint = details.hint
    this.source = details.source
    this.exitCode = details.exitCode
  }
}

/** True for a Node.js system error, optionally with one of the given codes (`ENOENT`, …). */
export function isErrno(error: unknown, ...codes: readonly string[]): error is NodeJS.ErrnoException {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return false
  return codes.length === 0 || codes.includes(error.code)
}

/** Runs an action that writes the file; write(2) does not know its path, and who reads of a full disk wants it. */
export function writing<T>(path: string, action: () => T): T {
  try {
    const result = action()
    return result instanceof Promise ? (result.catch(error => rethrow(error, path)) as T) : result
  } catch (error) {
    return rethrow(error, path)
  }
}

function rethrow(error: unknown, path: string): never {
  throw isErrno(error) && error.path === undefined ? Object.assign(error, { path }) : error
}
