import type { Dockerfile } from '../dockerfile/parse.ts'
import type { SourceRange } from '../error.ts'
import type { BuiltStep } from '../store/types.ts'
import type { BuildEvent, Reason, StepInfo } from './events.ts'
import { located } from './located.ts'
import { RunFailure } from './run-failure.ts'

/** How a step ended, besides failing. */
export interface StepOutcome<T> {
  readonly value: T
  readonly status: 'ran' | 'cached'
  readonly reason?: Reason | undefined
}

/** Announces steps, times them, and gives their errors the line that they come from. */
export class StepLog {
  readonly #emit: (event: BuildEvent) => void
  readonly #dockerfile: Dockerfile
  readonly #built: BuiltStep[] = []
  readonly #nextId: () => number
  #ran = 0
  #cached = 0

  /** `nextId` gives the numbers of steps, which are a build's own whatever the number of its platforms. */
  constructor(dockerfile: Dockerfile, emit: (event: BuildEvent) => void, nextId: () => number) {
    this.#nextId = nextId
    this.#dockerfile = dockerfile
    this.#emit = emit
  }

  get ran(): number {
    return this.#ran
  }

  get cached(): number {
    return this.#cached
  }

  /** Keyed steps of this build, for explaining the next one. */
  get built(): readonly BuiltStep[] {
    return this.#built
  }

  /** A step that the plan knows of; `started` announces it. */
  announce(name: string, range?: SourceRange): StepInfo {
    return { id: this.#nextId(), name, range }
  }

  /** A step that only became known while building, such as an ONBUILD trigger. */
  add(name: string, range?: SourceRange): StepInfo {
    const step = this.announce(name, range)
    this.#emit({ type: 'step-added', step })
    return step
  }

  record(step: BuiltStep): void {
    this.#built.push(step)
  }

  output(step: StepInfo, stream: 'stdout' | 'stderr', data: Uint8Array): void {
    this.#emit({ type: 'step-output', id: step.id, stream, data })
  }

  async run<T>(step: StepInfo, signal: AbortSignal, work: () => Promise<StepOutcome<T>>): Promise<T> {
    const at = Date.now()
    this.#emit({ type: 'step-started', id: step.id, at })
    const finish = (
      status: 'ran' | 'cached' | 'failed' | 'canceled',
      more: { reason?: Reason | undefined; exitCode?: number | undefined } = {},
    ) => {
      const now = Date.now()
      this.#emit({ type: 'step-finished', id: step.id, at: now, status, durationMs: now - at, ...more })
    }
    try {
      const outcome = await work()
      if (outcome.reason !== undefined || outcome.status === 'cached') this.#count(outcome.status)
      finish(outcome.status, { reason: outcome.reason })
      return outcome.value
    } catch (error) {
      finish(signal.aborted ? 'canceled' : 'failed', {
        exitCode: error instanceof RunFailure ? error.status : undefined,
      })
      throw located(error, this.#dockerfile, step.range)
    }
  }

  #count(status: 'ran' | 'cached'): void {
    if (status === 'ran') this.#ran++
    else this.#cached++
  }
}
