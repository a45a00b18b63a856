import { createHash } from 'node:crypto'
import { isAbsolute, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { LintFinding } from '../../advise/lint/lint.ts'
import type { LintedFile } from '../../advise/lint/lint-file.ts'
import type { RuleFacts, Severity } from '../../advise/rule.ts'
import { VERSION } from '../../version.ts'

function each<T>(files: readonly LintedFile[], make: (finding: LintFinding, file: LintedFile) => T): readonly T[] {
  return files.flatMap(file => file.findings.map(finding => make(finding, file)))
}

function text(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`
}

/** hadolint's fields, and where the place ends. */
export function json(files: readonly LintedFile[]): string {
  return text(
    each(files, ({ rule, range, severity, detail }, { file }) => ({
      line: range.start.line,
      code: rule.name,
      message: detail,
      column: range.start.column,
      file,
      level: severity,
      endLine: range.end.line,
      endColumn: range.end.column,
    })),
  )
}

const SARIF_LEVELS: Readonly<Record<Severity, string>> = {
  error: 'error',
  warning: 'warning',
  info: 'note',
  style: 'note',
  ignore: 'none',
}

/** @see https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html */
export function sarif(files: readonly LintedFile[]): string {
  const rules = new Map<string, RuleFacts>(
    files.flatMap(({ findings }) => findings.map(({ rule }) => [rule.name, rule])),
  )
  const ids = [...rules.keys()]
  const results = each(files, ({ rule, range, severity, detail }, { file }) => ({
    ruleId: rule.name,
    ruleIndex: ids.indexOf(rule.name),
    level: SARIF_LEVELS[severity],
    message: { text: detail },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: uriOf(file) },
          region: {
            startLine: range.start.line,
            startColumn: range.start.column,
            endLine: range.end.line,
            endColumn: range.end.column,
            sourceLanguage: 'dockerfile',
          },
        },
      },
    ],
  }))
  const driver = {
    name: 'shale',
    version: VERSION,
    rules: [...rules.values()].map(({ name, description, url, severity = 'warning' }) => ({
      id: name,
      shortDescription: { text: description },
      ...(url !== undefined && { helpUri: url }),
      defaultConfiguration: { level: SARIF_LEVELS[severity] },
    })),
  }
  const schema = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json'
  return text({
    $schema: schema,
    version: '2.1.0',
    runs: [{ tool: { driver }, columnKind: 'utf16CodeUnits', results }],
  })
}

/** Relative where it can be: what shows the results knows the file by its place in the repository. */
function uriOf(file: string): string {
  if (isAbsolute(file)) {
    const within = relative(process.cwd(), file)
    return within.startsWith('..') ? pathToFileURL(file).href : encodeURI(within)
  }
  return encodeURI(file)
}

const CLIMATE: Readonly<Record<Severity, string>> = {
  error: 'blocker',
  warning: 'major',
  info: 'info',
  style: 'minor',
  ignore: 'info',
}

/**
 * The report that GitLab shows in merge requests.
 *
 * @see https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
 */
export function codeClimate(files: readonly LintedFile[]): string {
  const seen = new Map<string, number>()
  return text(
    each(files, ({ rule, range, severity, detail }, { file, text: source }) => {
      // Lines move; what is wrong and the line's text do not. Repeated ones are counted.
      const line = source.split('\n')[range.start.line - 1]?.trim() ?? ''
      const identity = [file, rule.name, detail, line].join('\0')
      const count = seen.get(identity) ?? 0
      seen.set(identity, count + 1)
      return {
        type: 'issue',
        check_name: rule.name,
        description: detail,
        categories: ['Bug Risk'],
        severity: CLIMATE[severity],
        fingerprint: createHash('sha256').update(`${identity}\0${count}`).digest('hex').slice(0, 40),
        location: { path: file, lines: { begin: range.start.line, end: range.end.line } },
      }
    }),
  )
}

const CODACY: Readonly<Record<Severity, string>> = {
  error: 'Error',
  warning: 'Warning',
  info: 'Info',
  style: 'Info',
  ignore: 'Info',
}

/** One object a line. */
export function codacy(files: readonly LintedFile[]): string {
  return each(files, ({ rule, range, severity, detail }, { file }) => {
    const issue = {
      filename: file,
      patternId: rule.name,
      message: detail,
      line: range.start.line,
      level: CODACY[severity],
    }
    return `${JSON.stringify(issue)}\n`
  }).join('')
}

const SONAR: Readonly<Record<Severity, string>> = {
  error: 'CRITICAL',
  warning: 'MAJOR',
  info: 'MINOR',
  style: 'INFO',
  ignore: 'INFO',
}

/** Generic issues, in the form before version 10.3, which later ones read, too. */
export function sonarQube(files: readonly LintedFile[]): string {
  const issues = each(files, ({ rule, range, severity, detail }, { file }) => ({
    engineId: 'shale',
    ruleId: rule.name,
    severity: SONAR[severity],
    type: severity === 'error' ? 'BUG' : 'CODE_SMELL',
    primaryLocation: {
      message: detail,
      filePath: file,
      textRange: { startLine: range.start.line, endLine: range.end.line },
    },
  }))
  return text({ issues })
}
