import type { Instruction } from '../dockerfile/instruction.ts'
import type { Dockerfile } from '../dockerfile/parse.ts'
import { ShaleError, type SourceRange } from '../error.ts'
import { type CheckOptions, checkOptions, includesRule, parseCheckOptions } from './check-options.ts'
import type { Finding } from './rule.ts'
import { RULES } from './rules.ts'
import { type CheckInput, subjectOf } from './subject.ts'

export interface CheckReport {
  /** By line, then by what they say. */
  readonly findings: readonly Finding[]
  /** The Dockerfile (or the build argument) asks that violations fail the build. */
  readonly fails: boolean
}

/** Applies BuildKit's rules to a Dockerfile, without those that it skips. Throws `CHECK_OPTION`. */
export function checkDockerfile(input: CheckInput): CheckReport {
  const options = checkOptions(input.dockerfile, input.buildArgs)
  const wanted = RULES.filter(({ name, experimental }) => {
    const asked = experimental !== true || includesRule(options.experimental, name)
    return asked && !includesRule(options.skip, name)
  })
  if (wanted.length === 0) return { findings: [], fails: options.error }
  const subject = subjectOf(input)
  const skips = localSkips(input.dockerfile)
  const findings = wanted
    .flatMap(rule => [...rule.check(subject)].map(violation => ({ ...violation, rule })))
    .filter(({ rule, range }) => !isSkipped(skips, rule.name, range))
    .sort(byPlace)
  return { findings, fails: options.error }
}

function byPlace(a: Finding, b: Finding): number {
  return a.range.start.line - b.range.start.line || (a.detail < b.detail ? -1 : a.detail > b.detail ? 1 : 0)
}

interface LocalSkip {
  readonly instruction: Instruction
  readonly skip: CheckOptions['skip']
}

/** `# check=skip=…` directly above an instruction is for that one alone. */
function localSkips({ instructions }: Dockerfile): readonly LocalSkip[] {
  return instructions.flatMap(instruction => {
    const lines = instruction.doc?.includes('check=') ? instruction.doc.split('\n') : []
    return lines.flatMap(line => {
      const [, text] = /^check\s*=(.*)$/is.exec(line) ?? []
      return text === undefined ? [] : [{ instruction, skip: readSkip(text) }]
    })
  })
}

/** A comment that is no directive after all says nothing. */
function readSkip(text: string): CheckOptions['skip'] {
  try {
    return parseCheckOptions(text).skip
  } catch (error) {
    if (error instanceof ShaleError) return new Set()
    throw error
  }
}

function isSkipped(skips: readonly LocalSkip[], rule: string, { start }: SourceRange): boolean {
  return skips.some(({ instruction: { range }, skip }) => {
    return range.start.line <= start.line && start.line <= range.end.line && includesRule(skip, rule)
  })
}

/** The error that a build ends with when its Dockerfile says `check=error=true`, in BuildKit's words. */
export function violationError({ file, text }: Dockerfile, findings: readonly Finding[]): ShaleError {
  const names = [...new Set(findings.map(({ rule }) => rule.name))].sort()
  const [first] = findings
  return new ShaleError('CHECK_VIOLATION', `lint violation found for rules: ${names.join(', ')}`, {
    source: first && { file, text, range: first.range },
    hint: 'the Dockerfile asks for this with check=error=true; `shale explain RULE` says what a rule wants',
  })
}
