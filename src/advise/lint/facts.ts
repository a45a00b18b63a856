import type { Rule } from '../rule.ts'
import type { BaseFacts } from '../subject.ts'
import type { LintSubject } from './subject.ts'

/** The folder that COPY takes files from. Paths are relative to it, with `/`. */
export interface ContextFacts {
  /** A file or folder is there, whether or not .dockerignore hides it. */
  readonly has: (path: string) => boolean
  readonly isExcluded: (path: string) => boolean
  /** Files directly in it, and those one folder deeper. */
  readonly files: readonly string[]
}

/** A base image that the store has. */
export interface BaseImage extends BaseFacts {
  /** Whether a program of that name lies in one of the folders of its PATH. */
  readonly hasCommand: (name: string) => boolean
}

/** What lies around a Dockerfile. */
export interface LintFacts {
  readonly context: ContextFacts | undefined
  /** Undefined when the image is not in the store. */
  readonly base: (image: string) => BaseImage | undefined
}

export const NO_FACTS: LintFacts = { context: undefined, base: () => undefined }

export interface FactSubject extends LintSubject {
  readonly facts: LintFacts
}

/** A rule that needs more than the file's text. */
export type FactRule = Rule<FactSubject>
