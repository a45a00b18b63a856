import type { BuildEvent } from '../../build/events.ts'
import { summaryLines } from './summary.ts'
import { oneLine, seconds } from './text.ts'
import type { BuildView, OutputLine, StepView } from './view.ts'

/** So many characters wait for their turn in all, before a step with that much to say takes the floor. */
const MOST_WAITING = 32 * 1024 * 1024

/**
 * Lines for a log: what belongs to one step stands together, also when steps run at the same time. The step that began
 * first has the floor; the others wait for it to end, however much they say, as long as memory is no matter.
 */
export class PlainRenderer {
  readonly #view: BuildView
  /** Lines of steps that have not got the floor yet. */
  readonly #waiting = new Map<StepView, string[]>()
  #floor: StepView | undefined
  #size = 0

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
    this.#size += text.length
    this.#waiting.set(step, waiting)
    return this.#size < MOST_WAITING ? [] : this.#give(step)
  }

  /** Passes the floor to a step, though the one that has it goes on. */
  #give(step: StepView): readonly string[] {
    this.#floor = step
    return ['', ...this.#take(step)]
  }

  /** What waits of a step, which then waits no more. */
  #take(step: StepView): readonly string[] {
    const lines = this.#waiting.get(step) ?? []
    this.#waiting.delete(step)
    for (const { length } of lines) this.#size -= length
    return lines
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
    for (const step of this.#waiting.keys()) {
      if (step.status !== 'running') printed.push(...this.#take(step), '')
    }
    const [next] = this.#waiting.keys()
    if (next === undefined) return printed
    this.#floor = next
    return printed.concat(this.#take(next))
  }

  /** What still waits for the floor; for the end of a build. */
  rest(): readonly string[] {
    return [...this.#waiting.keys()].flatMap(step => this.#take(step))
  }
}

function ending({ status, durationMs, reason, exitCode }: StepView): string {
  if (status === 'cached') return 'CACHED'
  if (status === 'canceled') return 'CANCELED'
  if (status === 'failed') return exitCode === undefined ? 'ERROR' : `ERROR: exit code: ${exitCode}`
  return `DONE ${seconds(durationMs)}${reason === undefined ? '' : ` (${reason.summary})`}`
}
