import { compareVersions } from './version.ts'

type Operator = '<<' | '<=' | '=' | '>=' | '>>'

/** One package that a field names: `libc6 (>= 2.38)`, `python3:any`. */
export interface Relation {
  readonly name: string
  /** `any`, or an architecture. */
  readonly qualifier?: string | undefined
  readonly operator?: Operator | undefined
  readonly version?: string | undefined
  /** As written. */
  readonly text: string
}

const RELATION =
  /^([a-z0-9][a-z0-9.+-]*)(?::([a-z0-9-]+))?\s*(?:\(\s*(<<|<=|=|>=|>>|<|>)\s*([^\s)]+)\s*\))?\s*(?:\[[^\]]*\])?\s*(?:<[^>]*>\s*)*$/i

/** What stands alone for older tools means what is written with `=`. Source: Debian Policy 4.7, section 7.1. */
const OLD_OPERATORS: Readonly<Record<string, Operator>> = { '<': '<=', '>': '>=' }

/**
 * Reads a field such as Depends: groups that all must hold, of alternatives of which one must. What cannot be read is a
 * relation to a package of that name, which nobody can satisfy. Source: Debian Policy 4.7, section 7.1.
 */
export function readRelations(field: string | undefined): readonly (readonly Relation[])[] {
  if (field === undefined || field.trim() === '') return []
  return field
    .split(',')
    .map(group => group.trim())
    .filter(group => group !== '')
    .map(group => group.split('|').map(readRelation))
}

function readRelation(raw: string): Relation {
  const text = raw.replace(/\s+/g, ' ').trim()
  const [, name = text, qualifier, operator, version] = RELATION.exec(text) ?? []
  const known = operator === undefined ? undefined : (OLD_OPERATORS[operator] ?? (operator as Operator))
  return { name, qualifier, operator: known, version, text }
}

/** Whether a version is one that the relation wants. */
export function acceptsVersion({ operator, version }: Relation, actual: string): boolean {
  if (operator === undefined || version === undefined) return true
  const order = compareVersions(actual, version)
  switch (operator) {
    case '<<':
      return order < 0
    case '<=':
      return order <= 0
    case '=':
      return order === 0
    case '>=':
      return order >= 0
    case '>>':
      return order > 0
  }
}
