import { type Dockerfile, parseDockerfile } from '../dockerfile/parse.ts'
import { ShaleError } from '../error.ts'

/** A Dockerfile, or what stands before the mistake in one. */
export interface LenientlyParsed {
  /** Undefined when nothing can be read before the mistake. */
  readonly dockerfile: Dockerfile | undefined
  readonly error: ShaleError | undefined
}

/** Parses as far as the file is right, so that what comes before a mistake is looked at, too. */
export function parseLeniently(text: string, file: string): LenientlyParsed {
  try {
    return { dockerfile: parseDockerfile(text, { file }), error: undefined }
  } catch (error) {
    if (!(error instanceof ShaleError)) throw error
    return { dockerfile: partBefore(error, text, file), error }
  }
}

function partBefore({ source }: ShaleError, text: string, file: string): Dockerfile | undefined {
  const line = source?.range.start.line ?? 1
  const part = text.split('\n', line - 1).join('\n')
  try {
    const parsed = parseDockerfile(part, { file })
    return { ...parsed, text: source?.text ?? parsed.text }
  } catch (error) {
    // A second mistake on the way: then there is nothing to go by.
    if (error instanceof ShaleError) return undefined
    throw error
  }
}
