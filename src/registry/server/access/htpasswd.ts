import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { ShaleError } from '../../../error.ts'

/** Says who may sign in. */
export interface Users {
  /** True when the password is this user's. Unknown users take as long as wrong passwords. */
  verify(user: string, password: string): Promise<boolean>
  /** True when the same password was right a moment ago: costs nothing. */
  isFresh(user: string, password: string): boolean
}

const LINE = /^([^:]+):(\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53})$/
/** More rounds than this take seconds for each sign-in. */
const MAX_COST = 16
const FRESH_MS = 60_000
const MAX_FRESH = 1_000
/** bcrypt looks at no more bytes of a password. */
const MAX_PASSWORD_BYTES = 72
/** Of no password at all: what unknown users are compared with. */
const NOBODY = '$2b$10$yNlcr0lXBsU.tIGbHXmcTOCMr7Zs7C0sGAiZCahP36ULkIssMUEGG'

/**
 * Reads an htpasswd file with bcrypt passwords, as `htpasswd -B` writes it: `user:hash` lines, `#` comments. Throws
 * `HTPASSWD_INVALID` and names the line, never what stands in it.
 */
export function parseHtpasswd(file: string, text: string): Users {
  const hashes = new Map<string, string>()
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const [, user, hash, cost] = LINE.exec(line) ?? []
    if (user === undefined || hash === undefined || Number(cost) > MAX_COST) throw badLine(file, index + 1, line)
    hashes.set(user, hash)
  }
  if (hashes.size === 0) throw invalid(`${file} has no users`)
  return new HashedUsers(hashes)
}

function badLine(file: string, line: number, text: string): ShaleError {
  const other = /^[^:]+:(?:\$apr1\$|\{SHA\}|\$[56]\$)/.test(text)
  const why = other ? 'its password is not hashed with bcrypt' : 'it is not user:hash with a bcrypt hash'
  return invalid(`${file}:${line}: ${why}`)
}

function invalid(message: string): ShaleError {
  return new ShaleError('HTPASSWD_INVALID', message, { hint: 'write it with: htpasswd -B -c FILE USER' })
}

class HashedUsers implements Users {
  readonly #hashes: ReadonlyMap<string, string>
  /** So that memory holds no password, and no hash that another program could try. */
  readonly #secret = randomBytes(32)
  readonly #fresh = new Map<string, { readonly mark: Buffer; readonly until: number }>()
  /** A client's first requests come at the same time with the same password. */
  readonly #pending = new Map<string, Promise<boolean>>()

  constructor(hashes: ReadonlyMap<string, string>) {
    this.#hashes = hashes
  }

  isFresh(user: string, password: string): boolean {
    const known = this.#fresh.get(user)
    return known !== undefined && known.until > Date.now() && timingSafeEqual(known.mark, this.#mark(password))
  }

  async verify(user: string, password: string): Promise<boolean> {
    if (this.isFresh(user, password)) return true
    const key = `${user}:${this.#mark(password).toString('hex')}`
    const pending = this.#pending.get(key)
    if (pending !== undefined) return await pending
    const checking = this.#check(user, password).finally(() => this.#pending.delete(key))
    this.#pending.set(key, checking)
    return await checking
  }

  async #check(user: string, password: string): Promise<boolean> {
    const hash = this.#hashes.get(user)
    const { compare } = await import('bcryptjs')
    const isRight = await compare(password, hash ?? NOBODY)
    if (!isRight || hash === undefined || Buffer.byteLength(password) > MAX_PASSWORD_BYTES) return false
    if (this.#fresh.size >= MAX_FRESH) this.#fresh.clear()
    this.#fresh.set(user, { mark: this.#mark(password), until: Date.now() + FRESH_MS })
    return true
  }

  #mark(password: string): Buffer {
    return createHash('sha256').update(this.#secret).update(password).digest()
  }
}
