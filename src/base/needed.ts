import type { Package } from './package.ts'

/** What packages depend on for their scripts alone, which are not run. */
const FOR_SCRIPTS = new Set(['debconf', 'debconf-2.0', 'cdebconf', 'adduser', 'ucf', 'sensible-utils', 'lsb-base'])

const SINGLE: ReadonlySet<string> = new Set(['ca-certificates openssl', 'base-files mawk', 'base-files gawk'])

/**
 * Whether a small image has a dependency. Essential packages (a shell, the basic tools, dpkg) are there in every
 * installation and needed by scripts above all: they come only when asked for, or when built from the same source
 * (perl needs perl-base).
 */
export function follows(from: Package, to: Package): boolean {
  if (FOR_SCRIPTS.has(to.name) || SINGLE.has(`${from.name} ${to.name}`)) return false
  return !to.essential || to.source === from.source
}
