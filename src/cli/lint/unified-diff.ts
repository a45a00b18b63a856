/** Lines that are shown around a change. */
const AROUND = 3
/** Above this many lines a change is shown as one. */
const MOST = 3000

interface Line {
  readonly sign: ' ' | '-' | '+'
  readonly text: string
}

/** What tells two texts apart as `diff -u` shows it; empty when they are the same. */
export function unifiedDiff(file: string, before: string, after: string): string {
  if (before === after) return ''
  const lines = compared(linesOf(before), linesOf(after))
  const hunks = hunksOf(lines).map(([from, to]) => hunkText(lines, from, to))
  return `--- a/${file}\n+++ b/${file}\n${hunks.join('')}`
}

/** Each with its newline; the last may have none. */
function linesOf(text: string): readonly string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? []
}

function compared(a: readonly string[], b: readonly string[]): readonly Line[] {
  let [head, tail] = [0, 0]
  while (head < a.length && head < b.length && a[head] === b[head]) head++
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++
  const line = (sign: Line['sign']) => (text: string) => ({ sign, text })
  return [
    ...a.slice(0, head).map(line(' ')),
    ...changed(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...a.slice(a.length - tail).map(line(' ')),
  ]
}

/** By the longest common sequence of lines. */
function changed(a: readonly string[], b: readonly string[]): readonly Line[] {
  if (a.length > MOST || b.length > MOST)
    return [...a.map(text => ({ sign: '-', text }) as const), ...b.map(text => ({ sign: '+', text }) as const)]
  const width = b.length + 1
  const common = new Uint16Array((a.length + 1) * width)
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const [down, right] = [common[(i + 1) * width + j]!, common[i * width + j + 1]!]
      common[i * width + j] = a[i] === b[j] ? common[(i + 1) * width + j + 1]! + 1 : Math.max(down, right)
    }
  }
  const lines: Line[] = []
  let [i, j] = [0, 0]
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ sign: ' ', text: a[i++]! })
      j++
    } else if (j === b.length || (i < a.length && common[(i + 1) * width + j]! >= common[i * width + j + 1]!)) {
      lines.push({ sign: '-', text: a[i++]! })
    } else lines.push({ sign: '+', text: b[j++]! })
  }
  return lines
}

function hunksOf(lines: readonly Line[]): readonly (readonly [from: number, to: number])[] {
  const hunks: [number, number][] = []
  for (const [index, { sign }] of lines.entries()) {
    if (sign === ' ') continue
    const [from, to] = [Math.max(0, index - AROUND), Math.min(lines.length, index + AROUND + 1)]
    const last = hunks.at(-1)
    if (last !== undefined && from <= last[1]) last[1] = to
    else hunks.push([from, to])
  }
  return hunks
}

function hunkText(lines: readonly Line[], from: number, to: number): string {
  const count = (sign: '-' | '+', part: readonly Line[]) =>
    part.filter(line => line.sign === ' ' || line.sign === sign).length
  const place = (sign: '-' | '+') => {
    const length = count(sign, lines.slice(from, to))
    const start = count(sign, lines.slice(0, from)) + (length === 0 ? 0 : 1)
    return `${sign}${start}${length === 1 ? '' : `,${length}`}`
  }
  const body = lines.slice(from, to).map(({ sign, text }) => {
    return text.endsWith('\n') ? sign + text : `${sign}${text}\n\\ No newline at end of file\n`
  })
  return `@@ ${place('-')} ${place('+')} @@\n${body.join('')}`
}
