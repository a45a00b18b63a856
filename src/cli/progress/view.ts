import type { BuildEvent, Reason, StepInfo, StepStatus } from '../../build/events.ts'
import type { SourceRange } from '../../error.ts'
import { LineSplitter, plainText } from './text.ts'

/** Lines of a step's output that are kept for showing what it was doing when it failed. */
const KEPT_LINES = 30

/** One step as far as the events have told. Times in ms since 1970. */
export interface StepView {
  readonly info: StepInfo
  startedAt: number
  durationMs: number
  status: StepStatus | 'running'
  reason: Reason | undefined
  exitCode: number | undefined
  /** The last lines of its output, each with its time since the step began, in ms. */
  tail: { readonly text: string; readonly at: number }[]
  progress: { readonly unit: 'bytes' | 'files'; readonly done: number; readonly total?: number | undefined } | undefined
}

export interface OutputLine {
  readonly step: StepView
  readonly text: string
  /** Milliseconds since the step began. */
  readonly at: number
}

export interface WarningView {
  readonly message: string
  /** The rule that the Dockerfile breaks; undefined for other warnings. */
  readonly rule: string | undefined
  readonly range: SourceRange | undefined
}

/** A build as its events have told it so far, from which every renderer draws. */
export class BuildView {
  readonly #infos = new Map<number, StepInfo>()
  readonly #splitters = new Map<string, LineSplitter>()
  readonly #steps = new Map<number, StepView>()
  readonly warnings: WarningView[] = []
  startedAt = 0
  /** What errors call the Dockerfile; undefined until the build has begun. */
  dockerfile: string | undefined
  finished: Extract<BuildEvent, { type: 'finished' }> | undefined

  /** Steps that have begun, in that order. */
  get steps(): readonly StepView[] {
    return [...this.#steps.values()]
  }

  /** How many steps are known, begun or not. */
  get total(): number {
    return this.#infos.size
  }

  step(id: number): StepView | undefined {
    return this.#steps.get(id)
  }

  /** What a running step has written without a newline so far. */
  partial(id: number): string {
    return plainText(this.#splitters.get(`${id} stdout`)?.partial || this.#splitters.get(`${id} stderr`)?.partial || '')
  }

  /** Takes the next event; gives the lines of output that became whole by it. `now` is when it came. */
  apply(event: BuildEvent, now: number): readonly OutputLine[] {
    switch (event.type) {
      case 'started':
        this.startedAt = event.at
        this.dockerfile = event.dockerfile
        for (const info of event.steps) this.#infos.set(info.id, info)
        return []
      case 'step-added':
        this.#infos.set(event.step.id, event.step)
        return []
      case 'step-started':
        this.#begin(event.id, event.at)
        return []
      case 'step-output':
        return this.#output(event.id, event.stream, event.data, now)
      case 'step-progress':
        this.#begin(event.id, now).progress = event
        return []
      case 'step-finished':
        return this.#finish(event)
      case 'warning':
        this.warnings.push({ message: plainText(event.message), rule: event.rule, range: event.range })
        return []
      case 'finished':
        this.finished = event
        return []
      case 'failed':
        return []
      default:
        return event satisfies never
    }
  }

  #begin(id: number, at: number): StepView {
    const known = this.#steps.get(id)
    if (known !== undefined) return known
    const step: StepView = {
      info: this.#infos.get(id) ?? { id, name: `step ${id}` },
      startedAt: at,
      durationMs: 0,
      status: 'running',
      reason: undefined,
      exitCode: undefined,
      tail: [],
      progress: undefined,
    }
    this.#steps.set(id, step)
    return step
  }

  #output(id: number, stream: string, data: Uint8Array, now: number): readonly OutputLine[] {
    const step = this.#begin(id, now)
    const key = `${id} ${stream}`
    const splitter = this.#splitters.get(key) ?? new LineSplitter()
    this.#splitters.set(key, splitter)
    return this.#lines(step, splitter.push(data), now)
  }

  #lines(step: StepView, texts: readonly string[], now: number): readonly OutputLine[] {
    const at = now - step.startedAt
    const lines = texts.map(text => ({ step, text: plainText(text), at }))
    step.tail = [...step.tail, ...lines.slice(-KEPT_LINES)].slice(-KEPT_LINES)
    return lines
  }

  #finish(event: Extract<BuildEvent, { type: 'step-finished' }>): readonly OutputLine[] {
    const step = this.#begin(event.id, event.at - event.durationMs)
    const rest = ['stdout', 'stderr'].flatMap(stream => this.#splitters.get(`${event.id} ${stream}`)?.end() ?? [])
    const lines = this.#lines(step, rest, event.at)
    step.status = event.status
    step.durationMs = event.durationMs
    step.reason = event.reason
    step.exitCode = event.exitCode
    return lines
  }
}
