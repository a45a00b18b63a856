import { humanSize } from '../format/size.ts'
import { clip, oneLine, seconds } from './text.ts'
import type { BuildView, StepView } from './view.ts'

/** Lines of a running step's output that are shown below it. */
const SHOWN_LINES = 4

export interface Screen {
  readonly columns: number
  /** Lines that fit; undefined means as many as there are. */
  readonly rows?: number | undefined
  readonly color: boolean
}

/**
 * The whole picture of a build at a moment, lines for a terminal. When it is higher than the screen, finished steps
 * are left out from the top, and a line says how many.
 */
export function frame(view: BuildView, now: number, screen: Screen): readonly string[] {
  const { steps } = view
  const blocks = steps.map(step => ({ step, lines: stepLines(view, step, now, screen) }))
  const room = screen.rows === undefined ? Number.POSITIVE_INFINITY : Math.max(3, screen.rows - 2)
  const height = () => blocks.reduce((sum, { lines }) => sum + lines.length, 0)
  let hidden = 0
  while (height() > room - (hidden > 0 ? 1 : 0)) {
    const oldest = blocks.findIndex(({ step }) => step.status === 'cached' || step.status === 'ran')
    if (oldest < 0) break
    blocks.splice(oldest, 1)
    hidden++
  }
  const collapsed = hidden === 0 ? [] : [row(` => (${hidden} finished steps)`, '', screen.columns)]
  const lines = [...collapsed, ...blocks.flatMap(({ lines }) => lines)]
  return [header(view, now, screen), ...lines.slice(-room)]
}

function header(view: BuildView, now: number, { columns }: Screen): string {
  const { finished, steps } = view
  const done = steps.filter(({ status }) => status !== 'running').length
  const elapsed = finished?.durationMs ?? now - view.startedAt
  const state = finished === undefined ? '' : ' FINISHED'
  return clip(`[+] Building ${seconds(elapsed)} (${done}/${view.total})${state}`, columns)
}

function stepLines(view: BuildView, step: StepView, now: number, screen: Screen): readonly string[] {
  const elapsed = step.status === 'running' ? now - step.startedAt : step.durationMs
  const mark = { cached: 'CACHED ', failed: 'ERROR ', canceled: 'CANCELED ', ran: '', running: '' }[step.status]
  const title = row(` => ${mark}${oneLine(step.info.name)}`, ` ${seconds(elapsed)}`, screen.columns)
  const first = paint(title, step.status, screen.color)
  return step.status === 'running' ? [first, ...detailLines(view, step, screen)] : [first]
}

function detailLines(view: BuildView, step: StepView, { columns }: Screen): readonly string[] {
  const partial = view.partial(step.info.id)
  const texts = [...step.tail.map(({ text }) => text), ...(partial === '' ? [] : [partial])].slice(-SHOWN_LINES)
  const { progress } = step
  const moved = progress === undefined ? [] : [clip(` => => ${progressText(progress)}`, columns)]
  return [...moved, ...texts.map(text => clip(` => => # ${text}`, columns))]
}

function progressText({ unit, done, total }: NonNullable<StepView['progress']>): string {
  const amount = (count: number) => (unit === 'bytes' ? humanSize(count) : `${count}`)
  return `${amount(done)}${total === undefined ? '' : ` / ${amount(total)}`}${unit === 'files' ? ' files' : ''}`
}

/** Text on the left, cut so that the right part ends at the edge. */
function row(left: string, right: string, columns: number): string {
  const room = columns - right.length
  return room < 8 ? clip(left, columns) : `${clip(left, room).padEnd(room)}${right}`.trimEnd()
}

const COLORS: Readonly<Record<StepView['status'], string>> = {
  ran: '36',
  cached: '36',
  failed: '31',
  canceled: '33',
  running: '',
}

function paint(text: string, status: StepView['status'], color: boolean): string {
  const code = COLORS[status]
  return color && code !== '' ? `\x1b[${code}m${text}\x1b[0m` : text
}

/** What turns the lines drawn last into the new ones: up to the first, then each line over the old, the rest cleared. */
export function redraw(drawn: number, lines: readonly string[]): string {
  const up = drawn === 0 ? '' : `\x1b[${drawn}A`
  return `${up}\r${lines.map(line => `${line}\x1b[K\n`).join('')}\x1b[J`
}
