import { Readable } from 'node:stream'
import { type Interceptor, readBody } from './http.ts'

/**
 * Reads answers whose request says how long they may be (`whole`) to their end before they are passed on, so that one
 * which is cut off counts as a failed request and is repeated like any other.
 */
export const bufferSmall: Interceptor = next => async request => {
  const response = await next(request)
  if (request.whole === undefined || request.method === 'HEAD') return response
  const bytes = await readBody(response, request.whole)
  return { ...response, body: Readable.from([bytes], { objectMode: false }) }
}
