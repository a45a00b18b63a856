import { shortDigest } from '../../oci/digest.ts'
import { familiarReference, parseReference } from '../../oci/reference.ts'
import { oneLine, seconds } from './text.ts'
import type { BuildView, StepView, WarningView } from './view.ts'

const MOST_SLOW = 3
/** Steps faster than that are not worth a line, in ms. */
const SLOW_MS = 1000

/** What a finished build comes down to: the image, what ran and why, what took long. */
export function summaryLines(view: BuildView): readonly string[] {
  const { finished } = view
  if (finished === undefined) return []
  const names = finished.names.map(name => familiarReference(parseReference(name)))
  const named = names.length === 0 ? '' : ` ${names.join(', ')}`
  const counts =
    finished.ran === 0 ? 'every step came from the cache' : `${finished.ran} ran, ${finished.cached} cached`
  const id = finished.imageId === undefined ? '' : ` (${shortDigest(finished.imageId)})`
  const wrote = finished.written.map(path => `Wrote ${path}`)
  const lines = [`Built${named}${id} in ${seconds(finished.durationMs)}: ${counts}`, ...wrote]
  const ran = inOrder(view).filter(({ status, reason }) => status === 'ran' && reason !== undefined)
  if (ran.length > 0) lines.push('Ran:', ...ran.map(step => `  ${oneLine(step.info.name)}: ${step.reason?.summary}`))
  const slow = slowest(view.steps)
  if (slow.length > 0)
    lines.push('Slowest:', ...slow.map(step => `  ${seconds(step.durationMs).padStart(7)}  ${oneLine(step.info.name)}`))
  return [...lines, ...warningLines(view)]
}

function warningLines({ warnings }: BuildView): readonly string[] {
  const others = warnings.filter(({ rule }) => rule === undefined)
  return [...others.map(({ message }) => `Warning: ${message}`), ...ruleLines(warnings)]
}

/** What breaks rules: one line for each that is said, with the lines of the Dockerfile. */
function ruleLines(warnings: readonly WarningView[]): readonly string[] {
  const places = new Map<string, number[]>()
  for (const { rule, message, range } of warnings) {
    if (rule === undefined) continue
    const text = `${rule}: ${message}`
    places.set(text, [...(places.get(text) ?? []), ...(range === undefined ? [] : [range.start.line])])
  }
  if (places.size === 0) return []
  const count = warnings.filter(({ rule }) => rule !== undefined).length
  const lines = [...places].map(([text, at]) => ` - ${text} (${at.length === 1 ? 'line' : 'lines'} ${at.join(', ')})`)
  return [`${count} ${count === 1 ? 'warning' : 'warnings'} found (\`shale explain RULE\` tells more):`, ...lines]
}

/** Steps in the order of the Dockerfile. */
function inOrder(view: BuildView): readonly StepView[] {
  return view.steps.toSorted((a, b) => a.info.id - b.info.id)
}

function slowest(steps: readonly StepView[]): readonly StepView[] {
  return steps
    .filter(({ status, durationMs }) => status === 'ran' && durationMs >= SLOW_MS)
    .toSorted((a, b) => b.durationMs - a.durationMs)
    .slice(0, MOST_SLOW)
}

const STATUS: Readonly<Record<StepView['status'], string>> = {
  ran: 'ran',
  cached: 'cached',
  failed: 'failed',
  canceled: 'canceled',
  running: 'did not finish',
}

/** `--explain`: of every step what happened and why, with every difference that was found. */
export function explainLines(view: BuildView): readonly string[] {
  return inOrder(view)
    .filter(({ reason, status }) => reason !== undefined || status === 'failed')
    .flatMap(step => [
      oneLine(step.info.name),
      `  ${STATUS[step.status]}: ${step.reason?.summary ?? 'see the error'}`,
      // A single cause is the summary already.
      ...(step.reason?.details ?? []).filter(detail => detail !== step.reason?.summary).map(detail => `    ${detail}`),
    ])
}

/**
 * The last output of the steps that failed, between rules, as BuildKit shows it, and the warnings of a build that ends
 * without a summary: they may say why it failed.
 */
export function failureLines(view: BuildView): readonly string[] {
  const failed = view.steps
    .filter(({ status, tail }) => status === 'failed' && tail.length > 0)
    .flatMap(step => [
      '------',
      ` > ${oneLine(step.info.name)}:`,
      ...step.tail.map(({ text, at }) => `${(at / 1000).toFixed(3)} ${text}`.trimEnd()),
      '------',
    ])
  return view.finished === undefined ? [...failed, ...warningLines(view)] : failed
}
