import type { SourceRange } from '../error.ts'
import type { Subject } from './subject.ts'

/** One place where a rule is broken. */
export interface Violation {
  readonly range: SourceRange
  /** What is wrong there, in one line. */
  readonly detail: string
}

/** A check of Dockerfiles: data, and a pure function. `docs/rules/NAME.md` is its page. */
export interface Rule {
  readonly name: string
  /** What it asks for, in one line. */
  readonly description: string
  /** Docker's own page about it, where there is one. */
  readonly url?: string | undefined
  /** Only looked at when `check=experimental=NAME` asks for it. */
  readonly experimental?: boolean | undefined
  readonly check: (subject: Subject) => Iterable<Violation>
}

/** A violation with the rule that it breaks. */
export interface Finding extends Violation {
  readonly rule: Rule
}

/** The address of Docker's page about one of BuildKit's checks. */
export function dockerPage(name: string): string {
  return `https://docs.docker.com/go/dockerfile/rule/${name}/`
}
