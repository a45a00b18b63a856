import type { Dockerfile } from '../dockerfile/parse.ts'
import { ShaleError, type SourceLocation } from '../error.ts'

/** What `# check=` and BUILDKIT_DOCKERFILE_CHECK can say. Names are in lower case; `all` stands for every rule. */
export interface CheckOptions {
  readonly skip: ReadonlySet<string>
  readonly experimental: ReadonlySet<string>
  /** A violation fails the build. */
  readonly error: boolean
}

/** The build argument that stands in for the directive. */
const ARGUMENT = 'BUILDKIT_DOCKERFILE_CHECK'

/** The settings for a whole file: those of the build argument, else those of its directive. Throws `CHECK_OPTION`. */
export function checkOptions(
  { directives, file, text }: Dockerfile,
  buildArgs: Readonly<Record<string, string>>,
): CheckOptions {
  const given = buildArgs[ARGUMENT]
  if (given !== undefined) return parseCheckOptions(given, undefined)
  const directive = directives.find(({ name }) => name === 'check')
  return parseCheckOptions(directive?.value ?? '', directive && { file, text, range: directive.range })
}

/** Reads `skip=A,B;error=true;experimental=C`; what follows ` //` is a remark. Throws `CHECK_OPTION`. */
export function parseCheckOptions(text: string, source?: SourceLocation): CheckOptions {
  const parts = text
    .replace(/\s\/\/.*$/, '')
    .split(';')
    .map(part => part.trim())
    .filter(part => part !== '')
  const options = { skip: new Set<string>(), experimental: new Set<string>(), error: false }
  for (const part of parts) {
    const [, key = part, value = ''] = /^([^=]*)=(.*)$/s.exec(part) ?? []
    const name = key.trim().toLowerCase()
    if (name === 'skip' || name === 'experimental') for (const rule of names(value)) options[name].add(rule)
    else if (name === 'error' && /^(?:true|false|1|0)$/i.test(value.trim()))
      options.error = /^(?:true|1)$/i.test(value.trim())
    else throw badOption(part, source)
  }
  return options
}

function names(value: string): readonly string[] {
  return value
    .split(',')
    .map(name => name.trim().toLowerCase())
    .filter(name => name !== '')
}

function badOption(part: string, source: SourceLocation | undefined): ShaleError {
  const hint = 'it takes skip=RULE,RULE or skip=all, error=true or false, experimental=RULE, with ; between them'
  return new ShaleError('CHECK_OPTION', `invalid check option ${JSON.stringify(part)}`, { hint, source })
}

/** Whether a set of names has this rule. */
export function includesRule(set: ReadonlySet<string>, rule: string): boolean {
  return set.has('all') || set.has(rule.toLowerCase())
}
