/**
 * Which stage waits for which. Triggers of images make stages wait for others that the plan knows nothing of, so that a
 * circle can only be seen when it closes.
 */
export class Waits {
  readonly #edges = new Map<number, Set<number>>()

  /** Notes that a stage begins to wait; true when the other waits for it already, directly or through more stages. */
  closesCircle(stage: number, other: number): boolean {
    const waitsFor = this.#edges.get(stage) ?? new Set()
    this.#edges.set(stage, waitsFor.add(other))
    return this.#reaches(other, stage, new Set())
  }

  #reaches(from: number, to: number, seen: Set<number>): boolean {
    if (from === to) return true
    if (seen.has(from)) return false
    seen.add(from)
    return [...(this.#edges.get(from) ?? [])].some(next => this.#reaches(next, to, seen))
  }
}
