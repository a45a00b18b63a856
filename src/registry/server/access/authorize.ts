import type { Admitted, Authorize } from '../handler.ts'
import { type RegistryRequest, type RegistryResponse, refusal } from '../http/message.ts'
import type { Permissions } from '../registry.ts'
import type { Operation } from '../routes.ts'
import type { Users } from './htpasswd.ts'
import { Throttle } from './throttle.ts'

export interface AccessControl {
  /** Asked at each request, for the file may have changed; undefined: nobody can sign in. */
  readonly users: () => Users | undefined
  readonly permissions: Permissions
  readonly readOnly: boolean
  /** Called for each sign-in that failed. */
  readonly onFailure?: ((user: string, address: string) => void) | undefined
}

/** Passwords that are checked at the same time; each takes a core for a while. */
const MAX_CHECKS = 32

interface Credentials {
  readonly user: string
  readonly password: string
}

/** Who a request is from, by Basic credentials, and whether that user may do what it asks for. */
export function accessControl(control: AccessControl): Authorize {
  const { permissions, readOnly } = control
  const signIn = new SignIn(control)
  return (request, operation, repository) => {
    if (readOnly && (operation.action === 'push' || operation.action === 'delete')) return isReadOnly()
    const users = control.users()
    const header = users === undefined ? undefined : request.header('authorization')
    if (users === undefined || header === undefined) {
      return admit(permissions, users !== undefined, undefined, operation, repository)
    }
    const credentials = parseBasic(header)
    if (credentials === undefined) return unauthorized('only Basic authentication is known here')
    const { user, password } = credentials
    if (users.isFresh(user, password)) return admit(permissions, true, user, operation, repository)
    return signIn.check(users, credentials, request).then(refused => {
      return refused ?? admit(permissions, true, user, operation, repository)
    })
  }
}

function admit(
  permissions: Permissions,
  hasUsers: boolean,
  user: string | undefined,
  { action }: Operation,
  repository: string,
): Admitted {
  // Clients ask for the root first: its 401 is how they learn that there is something to sign in with.
  if (action === 'any') return hasUsers && user === undefined ? unauthorized('sign in first') : { user }
  if (permissions.may(user, action, repository)) return { user }
  if (hasUsers && user === undefined) return unauthorized(`sign in to ${action} ${repository}`)
  const who = user ?? 'nobody signed in'
  return refusal(403, { code: 'DENIED', message: `${who} may not ${action} ${repository}` })
}

class SignIn {
  readonly #control: AccessControl
  readonly #throttle = new Throttle()
  #checks = 0

  constructor(control: AccessControl) {
    this.#control = control
  }

  /** What to answer when it fails. */
  async check(
    users: Users,
    { user, password }: Credentials,
    { address }: RegistryRequest,
  ): Promise<RegistryResponse | undefined> {
    const wait = this.#throttle.wait(address, user)
    if (wait > 0) return tooMany('too many failed attempts to sign in', Math.ceil(wait / 1000))
    if (this.#checks >= MAX_CHECKS) return tooMany('too many users sign in at the same time', 1)
    this.#checks++
    try {
      if (await users.verify(user, password)) {
        this.#throttle.succeeded(address, user)
        return undefined
      }
    } finally {
      this.#checks--
    }
    this.#throttle.failed(address, user)
    this.#control.onFailure?.(user, address)
    return unauthorized('the user name or the password is wrong')
  }
}

function parseBasic(header: string): Credentials | undefined {
  const [, encoded] = /^basic +([A-Za-z0-9+/=_-]+) *$/i.exec(header) ?? []
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) }
}

function unauthorized(message: string): RegistryResponse {
  const headers = { 'WWW-Authenticate': 'Basic realm="shale registry", charset="UTF-8"' }
  return refusal(401, { code: 'UNAUTHORIZED', message }, headers)
}

function tooMany(message: string, seconds: number): RegistryResponse {
  return refusal(429, { code: 'TOOMANYREQUESTS', message }, { 'Retry-After': String(seconds) })
}

function isReadOnly(): RegistryResponse {
  return refusal(405, { code: 'UNSUPPORTED', message: 'this registry is read-only' })
}
