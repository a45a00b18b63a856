import { type Challenge, parseChallenges } from './challenge.ts'
import type { Credential, CredentialSource } from './credentials.ts'
import { discard, type HttpRequest, type Interceptor, type Transport } from './http.ts'
import { basic, fetchToken, type Grant } from './token.ts'

export interface AuthOptions {
  /** The registry's name in image names, by which credentials are kept. */
  readonly registry: string
  readonly origin: URL
  readonly credentials: CredentialSource
  /** How token servers are reached: without this interceptor. */
  readonly send: Transport
}

/**
 * Answers a registry's challenges, Basic or Bearer, and remembers the answer for each set of scopes until it expires.
 * Credentials are looked up only when the registry asks, and sent to no other origin than the registry's.
 */
export function authenticate(options: AuthOptions): Interceptor {
  const grants = new Map<string, Promise<Grant | undefined>>()
  let credential: Promise<Credential | undefined> | undefined

  async function grant(challenges: readonly Challenge[], request: HttpRequest): Promise<Grant | undefined> {
    credential ??= options.credentials.get(options.registry)
    const known = await credential
    const bearer = challenges.find(challenge => challenge.scheme === 'bearer')
    if (bearer !== undefined) {
      const scopes = scopesOf(bearer, request)
      return await fetchToken(options.send, options.origin, bearer, scopes, known, request.signal)
    }
    if (known?.kind !== 'password' || !challenges.some(challenge => challenge.scheme === 'basic')) return undefined
    return { authorization: basic(known), expires: Number.POSITIVE_INFINITY }
  }

  return next => async request => {
    if (request.url.origin !== options.origin.origin) return await next(request)
    const key = (request.scopes ?? []).join(' ')
    const held = await current(grants, key)
    const response = await next(authorized(request, held))
    if (response.status !== 401) return response
    const challenges = parseChallenges(response.headers['www-authenticate'] ?? '')
    // Several requests may be refused at once: one of them gets the new grant for all.
    const newer = await current(grants, key)
    if (newer === held) grants.set(key, grant(challenges, request))
    const fresh = await grants.get(key)?.catch(error => {
      grants.delete(key)
      discard(response)
      throw error
    })
    if (fresh === undefined || fresh.authorization === held?.authorization) return response
    discard(response)
    return await next(authorized(request, fresh))
  }
}

async function current(grants: Map<string, Promise<Grant | undefined>>, key: string): Promise<Grant | undefined> {
  const held = await grants.get(key)?.catch(() => undefined)
  return held !== undefined && held.expires > Date.now() ? held : undefined
}

/** What we know that we need, and what the challenge adds to it. */
function scopesOf(challenge: Challenge, request: HttpRequest): readonly string[] {
  const asked = (challenge.parameters.get('scope') ?? '').split(' ').filter(scope => scope !== '')
  return [...new Set([...(request.scopes ?? []), ...(request.scopes === undefined ? asked : [])])]
}

function authorized(request: HttpRequest, grant: Grant | undefined): HttpRequest {
  if (grant === undefined) return request
  return { ...request, headers: { ...request.headers, authorization: grant.authorization } }
}
