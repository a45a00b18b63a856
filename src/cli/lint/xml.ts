import type { LintedFile } from '../../advise/lint/lint-file.ts'
import type { Severity } from '../../advise/rule.ts'

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}

/** What XML cannot have goes. */
function escaped(text: string): string {
  return text
    .replace(/[\0-\x08\v\f\x0e-\x1f\ufffe\uffff]/g, '')
    .replace(/[&<>"']/g, char => ENTITIES[char] ?? char)
    .replace(/[\t\r\n]/g, char => `&#${char.charCodeAt(0)};`)
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escaped(String(value))}"`)
    .join('')
}

const HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
const CHECKSTYLE: Readonly<Record<Severity, string>> = {
  error: 'error',
  warning: 'warning',
  info: 'info',
  style: 'info',
  ignore: 'ignore',
}

/** Files without findings are there, too. */
export function checkstyle(files: readonly LintedFile[]): string {
  const blocks = files.map(({ file, findings }) => {
    const errors = findings.map(({ rule, range, severity, detail }) => {
      const { line, column } = range.start
      return `<error${attributes({ line, column, severity: CHECKSTYLE[severity], message: detail, source: rule.name })}/>\n`
    })
    return `<file${attributes({ name: file })}>\n${errors.join('')}</file>\n`
  })
  return `${HEAD}<checkstyle version="4.3">\n${blocks.join('')}</checkstyle>\n`
}

/** A suite for each file; one without findings has a test that passes. */
export function junit(files: readonly LintedFile[]): string {
  const suites = files.map(({ file, findings }) => {
    const cases = findings.map(({ rule, range, severity, detail }) => {
      const name = `${rule.name} ${file}:${range.start.line}:${range.start.column}`
      const failure = `<failure${attributes({ type: severity, message: detail })}/>`
      return `<testcase${attributes({ name, classname: file })}>${failure}</testcase>\n`
    })
    const all = cases.length === 0 ? [`<testcase${attributes({ name: file, classname: file })}/>\n`] : cases
    const counts = { name: file, tests: all.length, failures: findings.length, errors: 0 }
    return `<testsuite${attributes(counts)}>\n${all.join('')}</testsuite>\n`
  })
  return `${HEAD}<testsuites>\n${suites.join('')}</testsuites>\n`
}
