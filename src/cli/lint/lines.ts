import type { LintedFile } from '../../advise/lint/lint-file.ts'
import type { Severity } from '../../advise/rule.ts'
import { printable } from '../../dockerfile/excerpt.ts'
import { githubLine } from '../annotations.ts'

const COLORS: Readonly<Record<Severity, string>> = { error: '31', warning: '33', info: '36', style: '32', ignore: '0' }

/** `Dockerfile:3 DL3008 warning: …`, the form that editors know. */
export function tty(files: readonly LintedFile[], { color }: { readonly color: boolean }): string {
  return lines(files, ({ file, rule, severity, detail, range }) => {
    const level = color ? `\x1b[${COLORS[severity]}m${severity}\x1b[0m` : severity
    return `${printable(file)}:${range.start.line} ${rule.name} ${level}: ${printable(detail)}`
  })
}

/** @see https://www.gnu.org/prep/standards/html_node/Errors.html */
export function gnu(files: readonly LintedFile[]): string {
  return lines(files, ({ file, rule, severity, detail, range: { start } }) => {
    return `${printable(file)}:${start.line}:${start.column}: ${severity}: ${printable(detail)} [${rule.name}]`
  })
}

export function github(files: readonly LintedFile[]): string {
  return lines(files, ({ file, rule, severity, detail, range }) => {
    const level = severity === 'error' || severity === 'warning' ? severity : 'notice'
    return githubLine({ level, message: detail, title: rule.name, file, range })
  })
}

type Placed = LintedFile['findings'][number] & { readonly file: string }

function lines(files: readonly LintedFile[], line: (finding: Placed) => string): string {
  return files.flatMap(({ file, findings }) => findings.map(one => `${line({ ...one, file })}\n`)).join('')
}
