import type { BuildEvent } from '../../build/events.ts'
import type { Context, Output } from '../command.ts'
import { PlainRenderer } from './plain.ts'
import { failureLines, summaryLines } from './summary.ts'
import { frame, redraw } from './terminal.ts'
import { BuildView } from './view.ts'

export type ProgressMode = 'tty' | 'plain' | 'json' | 'quiet'

/** Shows a build on the error output while it runs. */
export interface Progress {
  readonly view: BuildView
  onEvent(event: BuildEvent): void
  /** Leaves the terminal to somebody else; what happens meanwhile is shown when the function that it gives is called. */
  pause(): () => void
  /** Draws what is left to draw, also when the build has failed. Call it once, before anything else is printed. */
  end(): void
}

/** Time between two pictures in ms. */
const REFRESH_MS = 100

/** `auto` is `tty` on a terminal and `plain` elsewhere. */
export function startProgress(mode: ProgressMode, context: Context): Progress {
  const view = new BuildView()
  if (mode === 'json') return jsonProgress(view, context.out)
  if (mode === 'quiet') return quietProgress(view, context.err)
  return mode === 'tty' ? terminalProgress(view, context) : plainProgress(view, context.err)
}

function plainProgress(view: BuildView, err: Output): Progress {
  const renderer = new PlainRenderer(view)
  /** What is to be written after a pause. */
  let waiting: string[] | undefined
  const write = (text: string) => void (waiting === undefined ? err.write(text) : waiting.push(text))
  const onEvent = (event: BuildEvent) => {
    const text = renderer.render(event, view.apply(event, Date.now()))
    if (text !== '') write(text)
  }
  const pause = () => {
    waiting = []
    return () => {
      const texts = waiting ?? []
      waiting = undefined
      err.write(texts.join(''))
    }
  }
  const end = () => {
    if (view.finished === undefined)
      err.write([...renderer.rest(), ...failureLines(view)].map(line => `${line}\n`).join(''))
  }
  return { view, onEvent, pause, end }
}

function quietProgress(view: BuildView, err: Output): Progress {
  const onEvent = (event: BuildEvent) => void view.apply(event, Date.now())
  return {
    view,
    onEvent,
    pause: () => () => undefined,
    end: () =>
      err.write(
        failureLines(view)
          .map(line => `${line}\n`)
          .join(''),
      ),
  }
}

/** The events as they are, a line of JSON each; output bytes as text. */
function jsonProgress(view: BuildView, out: Output): Progress {
  const decoder = new TextDecoder()
  const onEvent = (event: BuildEvent) => {
    view.apply(event, Date.now())
    const plain = event.type === 'step-output' ? { ...event, data: decoder.decode(event.data) } : event
    out.write(`${JSON.stringify(plain)}\n`)
  }
  return { view, onEvent, pause: () => () => undefined, end: () => undefined }
}

function terminalProgress(view: BuildView, { err, env }: Context): Progress {
  const color = (env.NO_COLOR ?? '') === ''
  let drawn = 0
  let last = ''
  const draw = (rows: number | undefined) => {
    if (view.startedAt === 0) return
    const lines = frame(view, Date.now(), { columns: Math.max(20, err.columns), rows, color })
    const text = lines.join('\n')
    if (text === last) return
    err.write(redraw(drawn, lines))
    drawn = lines.length
    last = text
  }
  let isPaused = false
  const timer = setInterval(() => {
    if (!isPaused) draw(err.rows)
  }, REFRESH_MS)
  return {
    view,
    onEvent: event => void view.apply(event, Date.now()),
    pause: () => {
      draw(err.rows)
      isPaused = true
      return () => {
        // The next picture stands below what was shown meanwhile.
        drawn = 0
        last = ''
        isPaused = false
      }
    },
    end: () => {
      clearInterval(timer)
      draw(undefined)
      const lines = [...failureLines(view), ...summaryLines(view)]
      err.write(lines.map(line => `${line}\n`).join(''))
    },
  }
}
