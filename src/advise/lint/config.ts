import type { Severity } from '../rule.ts'

/** What a label's value is to be. */
export const LABEL_KINDS = ['text', 'url', 'rfc3339', 'spdx', 'hash', 'semver', 'email'] as const
export type LabelKind = (typeof LABEL_KINDS)[number]

export const FORMATS = [
  ...['tty', 'json', 'sarif', 'checkstyle', 'gitlab', 'codeclimate', 'gitlab_codeclimate', 'github', 'junit'],
  ...['gnu', 'codacy', 'sonarqube'],
] as const

/** Settings of the linter, from its file, the environment and flags. */
export interface LintConfig {
  /** Names of rules that are not told, in upper case. */
  readonly ignored: ReadonlySet<string>
  /** Severities by the rules' names, in upper case. */
  readonly override: ReadonlyMap<string, Severity>
  /** Registries that images may come from; all when empty. `*` stands for any, `*.example.com` for those below. */
  readonly trustedRegistries: readonly string[]
  readonly labelSchema: ReadonlyMap<string, LabelKind>
  /** Labels that the schema does not have are told. */
  readonly strictLabels: boolean
  /** The mildest finding that makes the exit code 1. */
  readonly failureThreshold: Severity | 'none'
  readonly noFail: boolean
  readonly disableIgnorePragma: boolean
  readonly format: string | undefined
  readonly noColor: boolean
}

export const DEFAULTS: LintConfig = {
  ignored: new Set(),
  override: new Map(),
  trustedRegistries: [],
  labelSchema: new Map(),
  strictLabels: false,
  failureThreshold: 'info',
  noFail: false,
  disableIgnorePragma: false,
  format: undefined,
  noColor: false,
}
