import { ShaleError } from '../../error.ts'
import { discard, displayUrl, type HttpRequest, type HttpResponse, type Interceptor, isLoopback } from './http.ts'

const MAX_REDIRECTS = 8

/**
 * Follows redirects: every kind for GET and HEAD, those that keep the method (307, 308) for the rest. `authorization`
 * stays behind when the host, port or scheme changes, since blob stores get a signed URL instead. An HTTPS address is
 * never left for a plain one.
 */
export const followRedirects: Interceptor = next => async first => {
  let request: HttpRequest = first
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const response = await next(request)
    const target = redirectTarget(request, response)
    if (target === undefined) return response
    discard(response)
    request = { ...request, url: target, headers: headersFor(request, target) }
  }
  throw new ShaleError('TOO_MANY_REDIRECTS', `${displayUrl(first.url)} redirects more than ${MAX_REDIRECTS} times`)
}

function redirectTarget(request: HttpRequest, response: HttpResponse): URL | undefined {
  const { location } = response.headers
  const keepsMethod = response.status === 307 || response.status === 308
  const safe = request.method === 'GET' || request.method === 'HEAD'
  const moves = keepsMethod || (safe && [301, 302, 303].includes(response.status))
  if (!moves || location === undefined) return undefined
  return resolveLocation(response.url, location)
}

/**
 * A `location` header against the address that sent it. Throws `BAD_REDIRECT` when it is no HTTP address or would go
 * from HTTPS to plain HTTP; a registry behind a TLS proxy that gives its own host as `http:` is put right.
 */
export function resolveLocation(base: URL, location: string): URL {
  const target = URL.canParse(location, base.href) ? new URL(location, base) : undefined
  if (target === undefined || !/^https?:$/.test(target.protocol)) {
    throw new ShaleError('BAD_REDIRECT', `${displayUrl(base)} redirects to something that is no HTTP address`)
  }
  target.username = ''
  target.password = ''
  if (base.protocol === 'https:' && target.protocol === 'http:') {
    if (target.hostname === base.hostname && target.port === '') {
      target.protocol = 'https:'
      target.port = base.port
    } else if (!isLoopback(base.hostname)) {
      throw new ShaleError('BAD_REDIRECT', `${displayUrl(base)} redirects from HTTPS to plain ${displayUrl(target)}`)
    }
  }
  return target
}

function headersFor(request: HttpRequest, target: URL): Record<string, string> {
  const { authorization, ...rest } = request.headers ?? {}
  return authorization !== undefined && target.origin === request.url.origin ? { authorization, ...rest } : rest
}
