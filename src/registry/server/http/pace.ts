import { ShaleError } from '../../../error.ts'

/** How slow a client may be. */
export interface PaceLimits {
  /** Bytes a second; 0: as slow as it likes. */
  readonly rate: number
  /** Milliseconds in which nothing need come at all. */
  readonly patience: number
}

/** A body on its way. Only the time that the server waits for the other end counts. */
export interface Pacing {
  /** The server begins to wait: for the next bytes, or for `bytes` of its own to be taken. */
  wait(bytes?: number): void
  /** What it waited for is there; `bytes` have come. */
  moved(bytes?: number): void
  /** The body has ended, however. */
  end(): void
}

interface Waiting {
  /** Milliseconds of waiting that are left; filled up by bytes. */
  credit: number
  since: number | undefined
  readonly tooSlow: (error: ShaleError) => void
}

/**
 * Finds clients that hold a connection by being slow. Each has a credit of milliseconds: waiting for it uses that up,
 * each byte fills it again as far as the limits say. So who keeps to the rate may pause, and who trickles may not.
 */
export class Pace {
  readonly #limits: PaceLimits
  readonly #now: () => number
  readonly #bodies = new Set<Waiting>()

  constructor(limits: PaceLimits, now: () => number = () => performance.now()) {
    this.#limits = limits
    this.#now = now
  }

  /** `tooSlow` is called once at most, from `look`. */
  begin(tooSlow: (error: ShaleError) => void): Pacing {
    const { rate, patience } = this.#limits
    if (rate === 0) return UNHURRIED
    const body: Waiting = { credit: patience, since: undefined, tooSlow }
    this.#bodies.add(body)
    const earn = (bytes: number, most: number) => {
      body.credit = Math.min(Math.max(most, body.credit), body.credit + (bytes / rate) * 1000)
    }
    return {
      wait: (bytes = 0) => {
        // A chunk is seen when all of it has gone, which may take as long as the rate allows.
        earn(bytes, Math.max(patience, (bytes / rate) * 1000))
        body.since = this.#now()
      },
      moved: (bytes = 0) => {
        if (body.since !== undefined) body.credit -= this.#now() - body.since
        body.since = undefined
        earn(bytes, patience)
      },
      end: () => void this.#bodies.delete(body),
    }
  }

  /** Tells those that have used up their credit. */
  look(): void {
    const now = this.#now()
    for (const body of this.#bodies) {
      if (body.since === undefined || now - body.since <= body.credit) continue
      this.#bodies.delete(body)
      body.tooSlow(tooSlow(this.#limits.rate))
    }
  }
}

const UNHURRIED: Pacing = { wait: () => {}, moved: () => {}, end: () => {} }

export const CLIENT_TOO_SLOW = 'CLIENT_TOO_SLOW'

function tooSlow(rate: number): ShaleError {
  return new ShaleError(CLIENT_TOO_SLOW, `the client is slower than ${rate} bytes a second`)
}
