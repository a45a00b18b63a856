import type { BuildCheck } from '../build/check-build.ts'
import { printable } from '../dockerfile/excerpt.ts'
import type { SourceRange } from '../error.ts'

type Source = NonNullable<BuildCheck['source']>

/** What `build --check` prints, as buildx does; ends with a newline. */
export function checkText({ findings, source, error }: BuildCheck): string {
  const head = findings.length === 0 ? '' : `Check complete, ${counted(findings.length)} been found!\n`
  const blocks = findings.map(({ rule, detail, range }) => {
    const address = rule.url === undefined ? '' : ` - ${rule.url}`
    return `\nWARNING: ${rule.name}${address}\n${detail}\n${source === undefined ? '' : excerptText(source, range)}`
  })
  const text = head + blocks.join('')
  if (error !== undefined) return text
  return text === '' ? 'Check complete, no warnings found.\n' : text
}

function counted(count: number): string {
  return count === 1 ? '1 warning has' : `${count} warnings have`
}

/** Lines that BuildKit shows around what it means, half of them before. */
const PADDING = 4
const RULE = '-'.repeat(20)

function excerptText({ file, text }: Source, range: SourceRange): string {
  const lines = text.split(/\r?\n/)
  if (lines.at(-1) === '') lines.pop()
  const [first, last] = [Math.min(range.start.line, lines.length), Math.min(range.end.line, lines.length)]
  let [from, to] = [first, last]
  for (let padded = 0; padded < PADDING; padded++) {
    if (from > 1) {
      from--
      padded++
    }
    if (to !== lines.length) {
      to++
      padded++
    }
  }
  const shown = lines.slice(from - 1, to).map((line, index) => {
    const number = from + index
    const mark = first <= number && number <= last ? '>>>' : '   '
    return ` ${String(number).padStart(3)} | ${mark} ${printable(line)}\n`
  })
  return `${printable(file)}:${range.start.line}\n${RULE}\n${shown.join('')}${RULE}\n`
}

/** The same as BuildKit's `lint` request answers it, as JSON. */
export function checkJson({ findings, source, error }: BuildCheck): string {
  const warnings = findings.map(({ rule, detail, range }) => ({
    ruleName: rule.name,
    description: rule.description,
    ...(rule.url !== undefined && { url: rule.url }),
    detail,
    location: location(range),
  }))
  const sources = source && [
    { filename: source.file, language: 'Dockerfile', data: Buffer.from(source.text).toString('base64') },
  ]
  const buildError = error && { message: error.message, location: error.source && location(error.source.range) }
  return `${JSON.stringify({ warnings, sources: sources ?? [], ...(buildError && { buildError }) }, undefined, 2)}\n`
}

function location({ start, end }: SourceRange) {
  // BuildKit counts columns from 0 and tells none of a whole instruction.
  const place = (line: number) => ({ line, character: 0 })
  return { sourceIndex: 0, ranges: [{ start: place(start.line), end: place(end.line) }] }
}
