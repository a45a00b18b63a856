import { ShaleError } from '../../error.ts'

/** Gives the permission bits of a copied entry from its own. */
export type ModeChange = (mode: number, isDirectory: boolean) => number

/** The change that `--chmod` asks for: octal, or symbolic as chmod(1) takes it. Throws `INVALID_CHMOD`. */
export function parseChmod(text: string): ModeChange {
  if (/^[0-7]+$/.test(text) && Number.parseInt(text, 8) <= 0o7777) {
    const mode = Number.parseInt(text, 8)
    return () => mode
  }
  const clauses = text.split(',').map(parseClause)
  if (clauses.some(clause => clause === undefined)) throw invalid(text)
  return (mode, isDirectory) =>
    clauses.reduce(
      (bits, clause) => (clause as Clause).reduce((now, part) => apply(now, part, isDirectory), bits),
      mode,
    )
}

/** The mode for directories that COPY --chmod makes on the way; symbolic modes start from 0755. */
export function parentMode(change: ModeChange | undefined): number {
  return change === undefined ? 0o755 : change(0o755, true)
}

interface Part {
  readonly who: string
  readonly operator: string
  readonly permissions: string
}
type Clause = readonly Part[]

function invalid(text: string): ShaleError {
  return new ShaleError(
    'INVALID_CHMOD',
    `invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777`,
    { hint: 'symbolic modes such as u=rwX,go=rX work too' },
  )
}

function parseClause(text: string): Clause | undefined {
  const match = /^([ugoa]*)((?:[+\-=][rwxXstugo]*)+)$/.exec(text)
  if (match === null) return undefined
  const [, who = '', rest = ''] = match
  return [...rest.matchAll(/([+\-=])([rwxXstugo]*)/g)].map(([, operator = '', permissions = '']) => ({
    who: who === '' || who.includes('a') ? 'ugo' : who,
    operator,
    permissions,
  }))
}

const SHIFT: Readonly<Record<string, number>> = { u: 6, g: 3, o: 0 }

function apply(mode: number, part: Part, isDirectory: boolean): number {
  const set = [...part.who].reduce((bits, who) => bits | bitsFor(mode, who, part.permissions, isDirectory), 0)
  if (part.operator === '+') return mode | set
  if (part.operator === '-') return mode & ~set
  const cleared = [...part.who].reduce((bits, who) => bits & ~(7 << (SHIFT[who] as number)) & ~special(who), mode)
  return cleared | set
}

function special(who: string): number {
  return who === 'u' ? 0o4000 : who === 'g' ? 0o2000 : 0o1000
}

function bitsFor(mode: number, who: string, permissions: string, isDirectory: boolean): number {
  const shift = SHIFT[who] as number
  let bits = 0
  for (const permission of permissions) {
    if (permission === 'r') bits |= 4 << shift
    else if (permission === 'w') bits |= 2 << shift
    else if (permission === 'x') bits |= 1 << shift
    else if (permission === 'X' && (isDirectory || (mode & 0o111) !== 0)) bits |= 1 << shift
    else if (permission === 's' && who !== 'o') bits |= special(who)
    else if (permission === 't') bits |= 0o1000
    else if (permission in SHIFT) bits |= ((mode >> (SHIFT[permission] as number)) & 7) << shift
  }
  return bits
}
