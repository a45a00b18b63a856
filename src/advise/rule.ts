import type { SourceRange } from '../error.ts'
import type { Subject } from './subject.ts'

/** How bad it is, the worst first; what is `ignore` is only told on request. */
export const SEVERITIES = ['error', 'warning', 'info', 'style', 'ignore'] as const
export type Severity = (typeof SEVERITIES)[number]

/** A stretch of the file and what is to stand there instead. */
export interface Edit {
  readonly range: SourceRange
  readonly text: string
}

/** One place where a rule is broken. */
export interface Violation {
  readonly range: SourceRange
  /** What is wrong there, in one line. */
  readonly detail: string
  /** What makes it right. */
  readonly fix?: readonly Edit[] | undefined
}

/** What is to be said of a rule. */
export interface RuleFacts {
  readonly name: string
  /** What it asks for, in one line. */
  readonly description: string
  /** `warning` if absent. */
  readonly severity?: Severity | undefined
  /** Docker's own page about it, where there is one. */
  readonly url?: string | undefined
  /** Only looked at when `check=experimental=NAME` asks for it. */
  readonly experimental?: boolean | undefined
  /** The name under which another linter has it: one finding is told, and skipping either skips both. */
  readonly twin?: string | undefined
}

/** A check of Dockerfiles: data, and a pure function. `docs/rules/NAME.md` is its page. */
export interface Rule<S = Subject> extends RuleFacts {
  readonly check: (subject: S) => Iterable<Violation>
}

/** A violation with the rule that it breaks. */
export interface Finding extends Violation {
  readonly rule: RuleFacts
}

/** The address of Docker's page about one of BuildKit's checks. */
export function dockerPage(name: string): string {
  return `https://docs.docker.com/go/dockerfile/rule/${name}/`
}
