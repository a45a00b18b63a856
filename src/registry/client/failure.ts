import * as z from 'zod/mini'
import { ShaleError } from '../../error.ts'
import { discard, type HttpResponse, readBody } from './http.ts'

const errorsSchema = z.looseObject({
  errors: z
    .array(z.looseObject({ code: z.nullish(z.string()), message: z.nullish(z.string()) }))
    .check(z.maxLength(1000)),
})

/** What was wanted, in words: `cannot pull`, `registry.example.com/app:1`. */
export interface Attempt {
  readonly doing: string
  readonly target: string
  /** The registry's name, for hints. */
  readonly registry: string
  /** For a 404: what to say instead of the general hint. */
  readonly notFound?: string | undefined
}

const MAX_ERROR_BYTES = 64 * 1024

/** Passes a response with one of the statuses on, and throws `registryFailure` for any other. */
export async function expectStatus(
  response: HttpResponse,
  statuses: readonly number[],
  attempt: Attempt,
): Promise<HttpResponse> {
  if (statuses.includes(response.status)) return response
  throw await registryFailure(response, attempt)
}

/**
 * The error for an answer that is a refusal: names what was wanted, the HTTP status, the registry's own code and
 * message, and what to do. Source: OCI distribution-spec v1.1, "Error Codes".
 */
export async function registryFailure(response: HttpResponse, attempt: Attempt): Promise<ShaleError> {
  const said = await registrySays(response)
  const [code, hint] = classify(response.status, attempt)
  const words = said === undefined ? '' : ` (${said})`
  return new ShaleError(code, `cannot ${attempt.doing} ${attempt.target}: HTTP ${response.status}${words}`, { hint })
}

async function registrySays(response: HttpResponse): Promise<string | undefined> {
  try {
    const raw = await readBody(response, MAX_ERROR_BYTES)
    const { errors } = errorsSchema.parse(JSON.parse(raw.toString('utf8')))
    const [first] = errors
    return first && printable([first.code, first.message].filter(Boolean).join(': '))
  } catch {
    discard(response)
    return undefined
  }
}

/** What a server says is shown on terminals: no control characters, not endlessly long. */
function printable(text: string): string {
  return text.replaceAll(/[\x00-\x1f\x7f-\x9f]+/g, ' ').slice(0, 300)
}

function classify(status: number, attempt: Attempt): readonly [code: string, hint?: string | undefined] {
  if (status === 401) return ['UNAUTHORIZED', `it may not exist, or need a login: shale login ${attempt.registry}`]
  if (status === 403)
    return ['FORBIDDEN', 'the stored credentials (or none) do not allow this; log in as someone who may']
  if (status === 404)
    return ['NOT_FOUND', attempt.notFound ?? 'check the name and the tag; private images need a login']
  if (status === 413) return ['TOO_LARGE', "a proxy before the registry limits the body's size"]
  if (status === 429)
    return ['TOO_MANY_REQUESTS', 'the registry limits how often it is asked; log in, or try again later']
  if (status >= 500) return ['REGISTRY_FAILED', 'the registry has a problem; try again later']
  return ['REGISTRY_REFUSED']
}
