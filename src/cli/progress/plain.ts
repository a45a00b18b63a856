import type { BuildEvent } from '../../build/events.ts'
import { summaryLines } from './summary.ts'
import { oneLine, seconds } from './text.ts'
import type { BuildView, OutputLine, StepView } from './view.ts'

/** So many lines of a step wait for their turn before it takes the floor. */
const MOST_WAITING = 500

/** Lines for a log: what belongs to one step stands together, also when steps run at the same time. */
export class PlainRenderer {
  readonly #view: BuildView
  /** Lines of steps that have not got the floor yet. */
  readonly #waiting = new Map<StepView, string[]>()
  #floor: StepView | undefined

  constructor(view: BuildView) {
    this.#view = view
  }

  /** The text to print for an event that the view has taken already, with the output lines that it gave. */
  render(event: BuildEvent, lines: readonly OutputLine[]): string {
    const printed: string[] = []
    for (const { step, text, at } of lines) {
      printed.push(...this.#say(step, `${(at / 1000).toFixed(3)} ${text}`.trimEnd()))
    }
    if (event.type === 'step-started') {
      const step = this.#view.step(event.id)
      if (step !== undefined) printed.push(...this.#say(step, oneLine(step.info.name)))
    }
    if (event.type === 'step-finished') {
      const step = this.#view.step(event.id)
      if (step !== undefined) printed.push(...this.#finish(step))
    }
    if (event.type === 'finished') printed.push(...this.rest(), ...summaryLines(this.#view))
    return printed.map(line => `${line}\n`).join('')
  }

  #say(step: StepView, line: string): readonly string[] {
    const text = `#${step.info.id} ${line}`
    if (this.#floor === undefined) this.#floor = step
    if (this.#floor === step) return [text]
    const waiting = this.#waiting.get(step) ?? []
    waiting.push(text)
    this.#waiting.set(step, waiting)
    return waiting.length < MOST_WAITING ? [] : this.#give(step)
  }

  /** Passes the floor to a step, though the one that has it goes on. */
  #give(step: StepView): readonly string[] {
    const lines = this.#waiting.get(step) ?? []
    this.#waiting.delete(step)
    this.#floor = step
    return ['', ...lines]
  }

  #finish(step: StepView): readonly string[] {
    const said = this.#waiting.has(step) || this.#floor === step ? [] : this.#say(step, oneLine(step.info.name))
    const ended = this.#say(step, ending(step))
    if (this.#floor !== step) return [...said, ...ended]
    this.#floor = undefined
    return [...said, ...ended, '', ...this.#flushFinished()]
  }

  /** Whole steps that had to wait; then the floor goes to one that still runs. */
  #flushFinished(): readonly string[] {
    const printed: string[] = []
    for (const [step, lines] of this.#waiting) {
      if (step.status === 'running') continue
      this.#waiting.delete(step)
      printed.push(...lines, '')
    }
    const [next] = this.#waiting
    if (next === undefined) return printed
    this.#waiting.delete(next[0])
    this.#floor = next[0]
    return [...printed, ...next[1]]
  }

  /** What still waits for the floor; for the end of a build. */
  rest(): readonly string[] {
    const lines = [...this.#waiting.values()].flat()
    this.#waiting.clear()
    return lines
  }
}

function ending({ status, durationMs, reason, exitCode }: StepView): string {
  if (status === 'cached') return 'CACHED'
  if (status === 'canceled') return 'CANCELED'
  if (status === 'failed') return exitCode === undefined ? 'ERROR' : `ERROR: exit code: ${exitCode}`
  return `DONE ${seconds(durationMs)}${reason === undefined ? '' : ` (${reason.summary})`}`
}
