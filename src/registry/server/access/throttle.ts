/** So many failures are forgiven: people mistype. */
const FREE_PER_USER = 5
const FREE_PER_ADDRESS = 20
const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 60_000
/** After so long without a failure all is forgotten. */
const FORGET_MS = 15 * 60_000
const MAX_KEYS = 10_000

interface Failures {
  readonly count: number
  /** Milliseconds since 1970. */
  readonly last: number
  readonly blockedUntil: number
}

/** Slows down who fails to sign in again and again: by user from one address, and by address for any user. */
export class Throttle {
  readonly #failures = new Map<string, Failures>()

  /** Milliseconds until the next try counts; 0: now. */
  wait(address: string, user: string, now = Date.now()): number {
    const until = keysOf(address, user).map(([key]) => this.#failures.get(key)?.blockedUntil ?? 0)
    return Math.max(0, Math.max(...until) - now)
  }

  failed(address: string, user: string, now = Date.now()): void {
    for (const [key, free] of keysOf(address, user)) {
      const before = this.#failures.get(key)
      const count = before === undefined || before.last < now - FORGET_MS ? 1 : before.count + 1
      const pause = count < free ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** (count - free), LONGEST_PAUSE_MS)
      this.#failures.delete(key)
      this.#failures.set(key, { count, last: now, blockedUntil: now + pause })
    }
    for (const key of this.#failures.keys()) {
      if (this.#failures.size <= MAX_KEYS) return
      this.#failures.delete(key)
    }
  }

  succeeded(address: string, user: string): void {
    const [own] = keysOf(address, user)
    if (own !== undefined) this.#failures.delete(own[0])
  }
}

function keysOf(address: string, user: string): readonly (readonly [key: string, free: number])[] {
  const network = networkOf(address)
  return [
    [`${network} ${user.slice(0, 255)}`, FREE_PER_USER],
    [network, FREE_PER_ADDRESS],
  ]
}

/** Of IPv6 the first 64 bits: one machine has all addresses of that. */
function networkOf(address: string): string {
  if (!address.includes(':') || address.startsWith('::ffff:')) return address
  return address.split(':').slice(0, 4).join(':')
}
