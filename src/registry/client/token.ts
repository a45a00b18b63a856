import * as z from 'zod/mini'
import { ShaleError } from '../../error.ts'
import { checked, parseJson } from '../../oci/manifest.ts'
import type { Challenge } from './challenge.ts'
import type { Credential } from './credentials.ts'
import {
  bytesBody,
  discard,
  displayUrl,
  type HttpRequest,
  type HttpResponse,
  isLoopback,
  readBody,
  type Transport,
} from './http.ts'

/** A header value to send, until when (milliseconds since 1970). */
export interface Grant {
  readonly authorization: string
  readonly expires: number
}

const answerSchema = z.looseObject({
  refresh_token: z.nullish(z.string()),
  token: z.nullish(z.string()),
  access_token: z.nullish(z.string()),
  expires_in: z.nullish(z.number()),
})

const CLIENT_ID = 'shale'
const MAX_ANSWER_BYTES = 1024 * 1024

/** The specification's default when the server names no time. */
const DEFAULT_LIFETIME = 60

/**
 * Gets a bearer token for scopes from the server that a challenge names. Source: distribution's token and oauth2
 * specifications. Throws `UNAUTHORIZED` when the server refuses the credentials.
 */
export async function fetchToken(
  send: Transport,
  registry: URL,
  challenge: Challenge,
  scopes: readonly string[],
  credential: Credential | undefined,
  signal: AbortSignal | undefined,
): Promise<Grant> {
  const realm = parseRealm(registry, challenge)
  const response = await send({
    ...tokenRequest(realm, challenge, scopes, credential),
    whole: MAX_ANSWER_BYTES,
    signal,
  })
  if (response.status === 401 || response.status === 403) {
    discard(response)
    const who = credential === undefined ? 'anonymous access' : 'the stored credentials'
    throw new ShaleError('UNAUTHORIZED', `${realm.host} refuses ${who} to ${registry.host}: HTTP ${response.status}`, {
      hint: `it may not exist, or need a login: shale login ${registry.host}`,
    })
  }
  return (await readAnswer(response, realm, registry)).grant
}

/** A login that a token server has accepted. */
export interface TokenLogin {
  readonly authorization: string
  /** What to keep: a refresh token where one was given. */
  readonly credential: Credential
}

/** Logs in at the token server that a challenge names; undefined when it refuses. */
export async function fetchLogin(
  send: Transport,
  registry: URL,
  challenge: Challenge,
  credential: Credential,
  signal: AbortSignal | undefined,
): Promise<TokenLogin | undefined> {
  const realm = parseRealm(registry, challenge)
  const request = tokenRequest(realm, challenge, [], credential)
  if (credential.kind === 'password') {
    request.url.searchParams.set('account', credential.username)
    request.url.searchParams.set('client_id', CLIENT_ID)
    request.url.searchParams.set('offline_token', 'true')
  }
  const response = await send({ ...request, whole: MAX_ANSWER_BYTES, signal })
  if ([400, 401, 403].includes(response.status)) {
    discard(response)
    return undefined
  }
  const { grant, refreshToken } = await readAnswer(response, realm, registry)
  if (refreshToken === undefined) return { authorization: grant.authorization, credential }
  const { username } = credential
  return { authorization: grant.authorization, credential: { kind: 'identity', token: refreshToken, username } }
}

interface Answer {
  readonly grant: Grant
  readonly refreshToken: string | undefined
}

async function readAnswer(response: HttpResponse, realm: URL, registry: URL): Promise<Answer> {
  const raw = await readBody(response, MAX_ANSWER_BYTES)
  if (response.status !== 200) {
    throw new ShaleError(
      'TOKEN_SERVER',
      `${displayUrl(realm)} gives no token for ${registry.host}: HTTP ${response.status}`,
    )
  }
  const answer = checked(answerSchema, parseJson(raw, 'token answer'), 'token answer')
  const token = answer.token || answer.access_token
  if (!token || !/^[\x21-\x7e]+$/.test(token)) {
    throw new ShaleError('TOKEN_SERVER', `${displayUrl(realm)} answered without a token`)
  }
  const lifetime = Math.max(answer.expires_in ?? DEFAULT_LIFETIME, DEFAULT_LIFETIME)
  const grant = { authorization: `Bearer ${token}`, expires: Date.now() + (lifetime - 10) * 1000 }
  return { grant, refreshToken: answer.refresh_token || undefined }
}

/** Credentials go there, so it must be HTTPS, unless both it and the registry are on this machine. */
function parseRealm(registry: URL, challenge: Challenge): URL {
  const text = challenge.parameters.get('realm') ?? ''
  const realm = URL.canParse(text, registry.href) ? new URL(text, registry) : undefined
  const trusted =
    realm?.protocol === 'https:' ||
    (realm?.protocol === 'http:' && isLoopback(realm.hostname) && isLoopback(registry.hostname))
  if (realm === undefined || !trusted) {
    throw new ShaleError('TOKEN_SERVER', `${registry.host} names no usable token server`, {
      hint: 'the realm of its Bearer challenge must be an https address',
    })
  }
  realm.username = ''
  realm.password = ''
  return realm
}

function tokenRequest(
  realm: URL,
  challenge: Challenge,
  scopes: readonly string[],
  credential: Credential | undefined,
): HttpRequest {
  const service = challenge.parameters.get('service')
  if (credential?.kind === 'identity') {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: CLIENT_ID,
      refresh_token: credential.token,
    })
    if (service !== undefined) form.set('service', service)
    if (scopes.length > 0) form.set('scope', scopes.join(' '))
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    return { method: 'POST', url: realm, headers, body: bytesBody(Buffer.from(form.toString())) }
  }
  const url = new URL(realm)
  if (service !== undefined) url.searchParams.set('service', service)
  for (const scope of scopes) url.searchParams.append('scope', scope)
  return { method: 'GET', url, headers: credential === undefined ? {} : { authorization: basic(credential) } }
}

/** The `authorization` of RFC 7617. */
export function basic(credential: Credential & { kind: 'password' }): string {
  return `Basic ${Buffer.from(`${credential.username}:${credential.password}`).toString('base64')}`
}
