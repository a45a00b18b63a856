import type { Instruction } from '../../dockerfile/instruction.ts'
import type { Dockerfile } from '../../dockerfile/parse.ts'
import { type ParsedEach, parseEach } from '../../dockerfile/parse-each.ts'
import { ShaleError } from '../../error.ts'
import { checkDockerfile } from '../check.ts'
import { DL_RULES } from '../dl/rules.ts'
import { FACT_RULES } from '../facts/rules.ts'
import { parseLeniently } from '../parse-leniently.ts'
import type { Finding, RuleFacts, Severity } from '../rule.ts'
import { RULES } from '../rules.ts'
import type { CheckInput } from '../subject.ts'
import type { LintConfig } from './config.ts'
import { type LintFacts, NO_FACTS } from './facts.ts'
import { type Pragma, pragmasOf, shellComments, silencer } from './pragma.ts'
import { type LintSubject, lintSubject } from './subject.ts'

/** What the file is told of: a finding with its severity as the configuration has it. */
export interface LintFinding extends Finding {
  readonly severity: Severity
}

/** A mistake that keeps the file from being built. */
export const SYNTAX_RULE: RuleFacts = {
  name: 'DL1000',
  severity: 'error',
  description: 'Write instructions that a build understands.',
}

export interface LintOptions {
  /** What the file is called in errors. */
  readonly file: string
  readonly config: LintConfig
  /** Facts around the file for BuildKit's checks; the Dockerfile is the one given. */
  readonly around: (dockerfile: Dockerfile) => CheckInput
  /** What lies around the file; nothing is known if absent. */
  readonly facts?: LintFacts
}

/** A Dockerfile that has been read for the rules. */
export interface LintInput {
  readonly subject: LintSubject
  readonly pragmas: readonly Pragma[]
  readonly escapeChar: '\\' | '`'
  readonly instructions: readonly Instruction[]
  readonly mistakes: readonly Finding[]
}

/** Reads a Dockerfile as far as it can be read. */
export function readForLint(source: string, file: string, config: LintConfig): LintInput {
  const text = source.replace(/^\ufeff/, '')
  const { parsed, mistakes } = parsedEach(text, file)
  const instructions = parsed.instructions.filter((one): one is Instruction => one.kind !== 'broken')
  const pragmas = pragmasOf(text)
  const subject = lintSubject(text, parsed, config, shellComments(pragmas, instructions))
  return { subject, pragmas, escapeChar: parsed.escapeChar, instructions, mistakes }
}

/** Everything that the rules say of a Dockerfile, by line; what is silenced is left out. Throws `CHECK_OPTION`. */
export function lintDockerfile(source: string, options: LintOptions): readonly LintFinding[] {
  return lintFindings(readForLint(source, options.file, options.config), options)
}

/** The same for one that has been read; `more` are findings that others made. */
export function lintFindings(
  { subject, pragmas, instructions, mistakes }: LintInput,
  { file, config, around, facts = NO_FACTS }: LintOptions,
  more: readonly Finding[] = [],
): readonly LintFinding[] {
  const found: Finding[] = [...mistakes, ...more]
  for (const rule of [...DL_RULES, ...FACT_RULES]) {
    for (const violation of rule.check({ ...subject, facts })) found.push({ ...violation, rule })
  }
  const silenced = config.disableIgnorePragma ? () => false : silencer(pragmas, instructions)
  return withoutTwins([...found, ...checks(subject.text, file, around)], instructions)
    .map(finding => ({ ...finding, severity: severityOf(finding.rule, config) }))
    .filter(({ rule, range, severity }) => {
      const names = namesOf(rule)
      const ignored = severity === 'ignore' || names.some(name => config.ignored.has(name))
      return !ignored && !silenced(names, range.start.line)
    })
    .sort(byPlace)
}

function byPlace({ range: a, rule: one }: Finding, { range: b, rule: other }: Finding): number {
  return a.start.line - b.start.line || a.start.column - b.start.column || (one.name < other.name ? -1 : 1)
}

function severityOf(rule: RuleFacts, { override }: LintConfig): Severity {
  return override.get(rule.name.toUpperCase()) ?? rule.severity ?? 'warning'
}

/** BuildKit's rules by the names of their twins. */
const TWINS: ReadonlyMap<string, readonly string[]> = Map.groupBy(
  DL_RULES.filter(({ twin }) => twin !== undefined).map(({ name }) => name),
  name => DL_RULES.find(rule => rule.name === name)?.twin?.toUpperCase() ?? '',
)

function namesOf({ name, twin }: RuleFacts): readonly string[] {
  const upper = name.toUpperCase()
  return [upper, ...(twin === undefined ? [] : [twin.toUpperCase()]), ...(TWINS.get(upper) ?? [])]
}

/** BuildKit's checks as far as the file can be read; `# check=` comments are heeded. */
function checks(text: string, file: string, around: LintOptions['around']): readonly Finding[] {
  const { dockerfile } = parseLeniently(text, file)
  return dockerfile === undefined ? [] : checkDockerfile(around(dockerfile)).findings
}

/** Of two findings of twins in one instruction the one under hadolint's name is told. */
function withoutTwins(findings: readonly Finding[], instructions: readonly Instruction[]): readonly Finding[] {
  const starts = instructions.map(({ range }) => range.start.line)
  const told = new Set(
    findings.flatMap(({ rule, range }) =>
      rule.twin === undefined ? [] : [`${rule.twin} ${lastUpTo(starts, range.start.line)}`],
    ),
  )
  if (told.size === 0) return findings
  return findings.filter(({ rule, range }) => {
    return !TWINS.has(rule.name.toUpperCase()) || !told.has(`${rule.name} ${lastUpTo(starts, range.start.line)}`)
  })
}

/** The last of the ascending numbers that is not above the limit. */
function lastUpTo(numbers: readonly number[], limit: number): number | undefined {
  let [low, high] = [0, numbers.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((numbers[middle] ?? 0) <= limit) low = middle + 1
    else high = middle
  }
  return numbers[low - 1]
}

interface Read {
  readonly parsed: ParsedEach
  readonly mistakes: readonly Finding[]
}

function parsedEach(text: string, file: string): Read {
  try {
    const parsed = parseEach(text, file)
    const mistakes = parsed.instructions.flatMap(one => {
      if (one.kind !== 'broken') return []
      // Another rule is about these.
      if (one.keyword === 'ONBUILD' && /^(?:ONBUILD|FROM|MAINTAINER)$/.test(one.triggerKeyword ?? '')) return []
      return [mistake(one.error)]
    })
    return { parsed, mistakes }
  } catch (error) {
    if (!(error instanceof ShaleError)) throw error
    return { parsed: { escapeChar: '\\', instructions: [] }, mistakes: [mistake(error)] }
  }
}

function mistake({ message, hint, source }: ShaleError): Finding {
  const start = { line: 1, column: 1 }
  const detail = hint === undefined ? message : `${message}: ${hint}`
  return { rule: SYNTAX_RULE, range: source?.range ?? { start, end: start }, detail }
}

/** Every rule that the linter knows. */
export const LINT_RULES: readonly RuleFacts[] = [...RULES, ...FACT_RULES, SYNTAX_RULE, ...DL_RULES]
