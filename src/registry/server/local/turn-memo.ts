/**
 * Remembers answers for one turn of the event loop. All requests that are answered in one turn had begun to arrive before it
 * began, so that what was true at any time during it is true for each of them: not even another process can have
 * acknowledged a change to a client whose request is among them. Changes of this process forget everything.
 */
export class TurnMemo<T> {
  readonly #answers = new Map<string, T>()

  get(key: string, ask: () => T): T {
    const known = this.#answers.get(key)
    if (known !== undefined) return known
    const answer = ask()
    if (this.#answers.size === 0) setImmediate(() => this.forget())
    this.#answers.set(key, answer)
    return answer
  }

  forget(): void {
    this.#answers.clear()
  }
}
