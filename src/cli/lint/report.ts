import type { LintedFile } from '../../advise/lint/lint-file.ts'
import { ShaleError } from '../../error.ts'
import { codacy, codeClimate, json, sarif, sonarQube } from './json.ts'
import { github, gnu, tty } from './lines.ts'
import { checkstyle, junit } from './xml.ts'

export interface ReportOptions {
  readonly color: boolean
}

/** Makes one text of everything that was found; ends with a newline, or is empty. */
type Reporter = (files: readonly LintedFile[], options: ReportOptions) => string

const REPORTERS: Readonly<Record<string, Reporter>> = {
  tty,
  json,
  sarif,
  checkstyle,
  gitlab: codeClimate,
  gitlab_codeclimate: codeClimate,
  codeclimate: codeClimate,
  github,
  junit,
  gnu,
  codacy,
  sonarqube: sonarQube,
}

export const REPORT_FORMATS: readonly string[] = Object.keys(REPORTERS)

export function report(format: string, files: readonly LintedFile[], options: ReportOptions): string {
  const reporter = REPORTERS[format]
  if (reporter !== undefined) return reporter(files, options)
  const hint = `one of ${REPORT_FORMATS.join(', ')}`
  throw new ShaleError('LINT_CONFIG', `there is no output format ${JSON.stringify(format)}`, { hint })
}
