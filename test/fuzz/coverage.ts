import { type Profiler, Session } from 'node:inspector'

const SOURCES = new URL('../../src/', import.meta.url).href

/**
 * What V8 counts of the blocks of `src/` that ran: the feedback that makes the search find its way. A feature is a block
 * together with the order of magnitude of how often it ran.
 */
export class Coverage {
  readonly #session = new Session()
  readonly #seen = new Set<string>()

  constructor() {
    this.#session.connect()
    this.#session.post('Profiler.enable')
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  }

  get size(): number {
    return this.#seen.size
  }

  /** Features since the last call that no call before gave. With `keep` they count as seen from now on. */
  news(keep: boolean): number {
    let found = 0
    for (const { url, functions } of this.#take()) {
      if (!url.startsWith(SOURCES)) continue
      for (const { ranges } of functions) {
        for (const { startOffset, endOffset, count } of ranges) {
          if (count === 0) continue
          const feature = `${url}:${startOffset}:${endOffset}:${Math.min(8, Math.floor(Math.log2(count)))}`
          if (this.#seen.has(feature)) continue
          found++
          if (keep) this.#seen.add(feature)
        }
      }
    }
    return found
  }

  #take(): readonly Profiler.ScriptCoverage[] {
    let result: readonly Profiler.ScriptCoverage[] = []
    // The session is of this very thread: it answers before `post` returns.
    this.#session.post('Profiler.takePreciseCoverage', (error, taken) => {
      if (error !== null) throw error
      result = taken.result
    })
    return result
  }
}
