import { STATUS_CODES } from 'node:http'
import { ShaleError } from '../../error.ts'
import { parseChallenges } from './challenge.ts'
import type { Credential } from './credentials.ts'
import { discard, displayUrl, type HttpResponse } from './http.ts'
import type { Connection, RegistryClient } from './registry.ts'
import { basic, fetchLogin } from './token.ts'

/**
 * Asks a registry whether it takes the credential, by Basic or by its token server, and gives what to keep: the refresh
 * token when the token server gives one for the password. Throws `LOGIN_FAILED` when it is refused.
 */
export async function verifyLogin(
  client: RegistryClient,
  registry: string,
  credential: Credential,
  signal?: AbortSignal,
): Promise<Credential> {
  const connection = await client.connect(registry)
  const first = await ping(connection, undefined, signal)
  const challenges = parseChallenges(first.headers['www-authenticate'] ?? '')
  const bearer = challenges.find(({ scheme }) => scheme === 'bearer')
  if (first.status === 401 && bearer !== undefined) {
    const { origin, plain } = connection
    const login = await fetchLogin(plain, origin, bearer, credential, signal)
    if (login === undefined) throw refused(first, 401, registry)
    expect(await ping(connection, login.authorization, signal), registry)
    return login.credential
  }
  // A registry that lets everybody in has to be asked with the password, to see whether it is the right one.
  if (credential.kind === 'password' && (first.ok || challenges.some(({ scheme }) => scheme === 'basic'))) {
    expect(await ping(connection, basic(credential), signal), registry)
  } else expect(first, registry)
  return credential
}

interface Answer {
  readonly status: number
  readonly ok: boolean
  readonly headers: HttpResponse['headers']
  readonly url: URL
}

async function ping({ origin, plain }: Connection, authorization: string | undefined, signal: AbortSignal | undefined) {
  const url = new URL('/v2/', origin)
  const headers = authorization === undefined ? {} : { authorization }
  const response = await plain({ method: 'GET', url, headers, signal })
  discard(response)
  return { status: response.status, ok: response.status === 200, headers: response.headers, url }
}

function expect(answer: Answer, registry: string): void {
  if (!answer.ok) throw refused(answer, answer.status, registry)
}

function refused({ url }: Answer, status: number, registry: string): ShaleError {
  const hint =
    status === 401 || status === 403
      ? 'the user name or the password is wrong; many registries want an access token instead of the password'
      : status === 404
        ? `no registry answers at ${registry}; check the name and the port`
        : undefined
  const words = STATUS_CODES[status] ?? ''
  return new ShaleError('LOGIN_FAILED', `login attempt to ${displayUrl(url)} failed with status: ${status} ${words}`, {
    hint,
  })
}
