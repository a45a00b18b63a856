import { setTimeout as delay } from 'node:timers/promises'
import { ShaleError } from '../../error.ts'
import { discard, type HttpRequest, type HttpResponse, type Interceptor } from './http.ts'

export interface RetryOptions {
  /** How often a request is sent at most; 5 if absent. */
  readonly attempts?: number | undefined
  /** Milliseconds before the first repetition, doubled for each further one; 200 if absent. */
  readonly backOff?: number | undefined
  /** For tests: waits `ms` milliseconds. */
  readonly wait?: ((ms: number, signal?: AbortSignal) => Promise<unknown>) | undefined
}

const TRANSIENT_STATUS = new Set([408, 425, 429, 500, 502, 503, 504])
const TRANSIENT_CODE = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN', 'ENETUNREACH', 'EHOSTUNREACH'])
/** A server that wants us to wait longer is one to come back to another time. */
const LONGEST_WAIT = 60_000

/**
 * Repeats requests (all but those marked `once`; an upload that is started twice does no harm) after failures that pass
 * by themselves, waiting as `retry-after` says, else with growing, slightly random pauses.
 */
export function retry(options: RetryOptions = {}): Interceptor {
  const attempts = options.attempts ?? 5
  const wait = waiting(options)
  return next => async request => {
    for (let attempt = 1; ; attempt++) {
      const last = attempt >= attempts || request.once === true
      const pause = backOff(options, attempt)
      const outcome = await attemptOnce(next, request, last)
      if ('response' in outcome) {
        const asked = retryAfter(outcome.response)
        if (!TRANSIENT_STATUS.has(outcome.response.status) || last || (asked ?? 0) > LONGEST_WAIT)
          return outcome.response
        discard(outcome.response)
        await wait(asked ?? pause, request.signal)
      } else await wait(pause, request.signal)
    }
  }
}

/** Waits before the repetition with this number, 1 for the first: as long as the response asks for, if there is one. */
export type Pause = (attempt: number, signal?: AbortSignal, response?: HttpResponse) => Promise<void>

/** For exchanges of several requests, which are repeated as a whole. */
export function pausing(options: RetryOptions): Pause {
  const wait = waiting(options)
  return async (attempt, signal, response) => {
    const asked = response && retryAfter(response)
    await wait(Math.min(asked ?? backOff(options, attempt), LONGEST_WAIT), signal)
  }
}

/** True for an answer that may be another one a moment later. */
export function isTransientStatus(status: number): boolean {
  return TRANSIENT_STATUS.has(status)
}

function waiting(options: RetryOptions): NonNullable<RetryOptions['wait']> {
  return options.wait ?? ((ms, signal) => delay(ms, undefined, signal && { signal }))
}

function backOff(options: RetryOptions, attempt: number): number {
  return (options.backOff ?? 200) * 2 ** (attempt - 1) * (0.75 + Math.random() / 2)
}

type Outcome = { readonly response: HttpResponse } | { readonly failed: true }

async function attemptOnce(
  next: (request: HttpRequest) => Promise<HttpResponse>,
  request: HttpRequest,
  last: boolean,
): Promise<Outcome> {
  try {
    return { response: await next(request) }
  } catch (error) {
    if (last || request.signal?.aborted || !isTransient(error)) throw error
    return { failed: true }
  }
}

/** True for failures of the connection that may be gone a moment later. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error instanceof ShaleError && error.code === 'REGISTRY_TIMEOUT') return true
  if ('code' in error && typeof error.code === 'string' && TRANSIENT_CODE.has(error.code)) return true
  return error.cause instanceof Error && isTransient(error.cause)
}

/** Milliseconds that `retry-after` asks for, as seconds or as a date. */
function retryAfter(response: HttpResponse): number | undefined {
  const text = response.headers['retry-after']
  if (text === undefined) return undefined
  const seconds = Number(text)
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000)
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now())
}
