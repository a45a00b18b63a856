import type { Instruction } from '../../dockerfile/instruction.ts'
import type { ShellComments } from './subject.ts'

/** A comment that tells the linter something. */
export interface Pragma {
  readonly line: number
  readonly scope: 'file' | 'stage' | 'line'
  readonly what:
    | { readonly kind: 'ignore'; readonly rules: readonly string[] }
    | { readonly kind: 'shell'; readonly name: string }
}

const PRAGMA = /^\s*#\s*(hadolint|shale)\s+(?:(global|stage)\s+)?(ignore|shell)\s*=\s*([^#]*?)\s*(?:#.*)?$/

const CODE = /^[A-Z]+\d+$/

/** The comments `# hadolint ignore=…`, `# hadolint global ignore=…`, `# hadolint stage ignore=…`, `# hadolint shell=…`. */
export function pragmasOf(text: string): readonly Pragma[] {
  if (!text.includes('hadolint') && !text.includes('shale')) return []
  return text.split(/\r?\n/).flatMap((line, index) => {
    const [, program, scope, kind, value = ''] = PRAGMA.exec(line) ?? []
    if (kind === undefined) return []
    const rules = value.split(/[,\s]+/).map(rule => rule.toUpperCase())
    // hadolint takes a list with a name that is none for an ordinary comment.
    if (kind === 'ignore' && program === 'hadolint' && rules.some(rule => !CODE.test(rule))) return []
    const what =
      kind === 'shell' ? ({ kind, name: value.split(/\s/, 1)[0] ?? '' } as const) : ({ kind: 'ignore', rules } as const)
    return [
      { line: index + 1, scope: scope === 'global' ? 'file' : scope === 'stage' ? 'stage' : 'line', what } as const,
    ]
  })
}

/** The shells that comments name; before the first FROM it is that of the file. */
export function shellComments(pragmas: readonly Pragma[], instructions: readonly Instruction[]): ShellComments {
  const first = instructions.find(({ kind }) => kind === 'from')?.range.start.line ?? Number.POSITIVE_INFINITY
  let file: string | undefined
  const lines = new Map<number, string>()
  for (const { line, what } of pragmas) {
    if (what.kind !== 'shell') continue
    if (line < first) file = what.name
    const next = instructions.find(({ range }) => range.start.line > line)
    if (next !== undefined) lines.set(next.range.start.line, what.name)
  }
  return { file, lines }
}

/** Says whether comments silence a rule, by any of its names, on a line. */
export function silencer(
  pragmas: readonly Pragma[],
  instructions: readonly Instruction[],
): (names: readonly string[], line: number) => boolean {
  const scopes = pragmas.flatMap(({ line, scope, what }) => {
    if (what.kind !== 'ignore') return []
    const names = new Set(what.rules)
    if (scope === 'file') return [{ names, from: 0, to: Number.POSITIVE_INFINITY }]
    const next = instructions.findIndex(({ range }) => range.start.line > line)
    const target = instructions[next]
    if (target === undefined) return []
    if (scope === 'line') return [{ names, from: target.range.start.line, to: target.range.end.line }]
    const end = instructions.slice(next + 1).find(({ kind }) => kind === 'from')
    return [{ names, from: target.range.start.line, to: (end?.range.start.line ?? Number.POSITIVE_INFINITY) - 1 }]
  })
  return (names, line) => {
    return scopes.some(scope => scope.from <= line && line <= scope.to && names.some(name => scope.names.has(name)))
  }
}
