import { posix } from 'node:path'
import { compileGlob, hasWildcards } from '../../dockerfile/glob.ts'
import type { FactRule } from '../lint/facts.ts'
import type { LintStep } from '../lint/subject.ts'
import { isVariable, unquoted } from '../lint/variables.ts'

const REMOTE = /^(?:https?:|git:|ssh:|git@|ftp:)/

interface Source {
  readonly path: string
  readonly index: number
}

/** The paths in the context that COPY or ADD takes; those with variables whose value nobody knows are left out. */
export function* contextSources({ instruction, variables, onbuild }: LintStep): Iterable<Source> {
  if (onbuild || (instruction.kind !== 'copy' && instruction.kind !== 'add')) return
  if (instruction.kind === 'copy' && instruction.from !== undefined) return
  for (const [index, source] of instruction.sources.entries()) {
    const text = variables.expand(unquoted(source))
    if (!isVariable(text) && !REMOTE.test(text))
      yield { path: posix.normalize(text).replace(/^\/+|\/+$/g, '') || '.', index }
  }
}

export const sh1002: FactRule = {
  name: 'SH1002',
  severity: 'error',
  description: 'Copy only what the build context has.',
  *check({ steps, facts: { context } }) {
    if (context === undefined) return
    for (const step of steps) {
      for (const { path, index } of contextSources(step)) {
        if (path === '.' || hasWildcards(path) || context.has(path)) continue
        const { instruction } = step
        const range =
          instruction.kind === 'copy' || instruction.kind === 'add' ? instruction.sourceRanges[index] : undefined
        yield { range: range ?? step.outer.range, detail: `the build context has no ${path}` }
      }
    }
  },
}

/** Names of files that hold secrets. */
const SECRET =
  /^(?:\.env(?:\.(?!example$|sample$|template$|dist$)[\w.]+)?|id_(?:rsa|dsa|ecdsa|ed25519)|.*\.(?:pem|p12|pfx|key|jks|keystore)|\.npmrc|\.pypirc|\.netrc|\.git-credentials|\.htpasswd|credentials\.json|service-account.*\.json)$/

export const sh1006: FactRule = {
  name: 'SH1006',
  severity: 'warning',
  description: 'Keep files with secrets (.env, keys, tokens) out of the image.',
  *check({ steps, facts: { context } }) {
    for (const step of steps) {
      const found = new Set<string>()
      for (const { path } of contextSources(step)) {
        if (SECRET.test(posix.basename(path))) found.add(path)
        if (context === undefined) continue
        const takes = path === '.' ? () => true : hasWildcards(path) ? compileGlob(path) : undefined
        const below = (file: string) => takes?.(file) ?? file.startsWith(`${path}/`)
        for (const file of context.files) {
          if (SECRET.test(posix.basename(file)) && below(file) && !context.isExcluded(file)) found.add(file)
        }
      }
      if (found.size === 0) continue
      const [first, ...more] = [...found].sort()
      const others = more.length === 0 ? '' : ` and ${more.length} more`
      const detail = `${first}${others} may hold secrets: name it in .dockerignore, or give it with RUN --mount=type=secret`
      yield { range: step.outer.range, detail }
    }
  },
}
