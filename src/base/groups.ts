/** How packages are spread over layers. */
export type Layering = 'one' | 'groups' | 'packages'

/** What grouping looks at; the same for a package of an index and one of a lock file. */
export interface Grouped {
  readonly name: string
  readonly source: string
  /** KiB. */
  readonly installedSize: number
}

/** Packages that share a layer. */
export interface PackageGroup<P extends Grouped> {
  readonly name: string
  readonly packages: readonly P[]
}

/** A library of at least so many KiB has a layer for itself and what is built with it. */
const LARGE = 10 * 1024
/** An image may have 127 layers; some are needed for what is put on top. */
const MOST_LAYERS = 100

const BASE = new Set(['base-files', 'base-passwd', 'ca-certificates', 'media-types', 'netbase', 'tzdata'])
const C_SOURCES = /^(?:glibc|gcc-\d+|gcc-defaults|musl)$/

/**
 * Spreads packages over layers, lowest first. With `groups` a package's group depends on nothing but the package and
 * whether it was asked for, so that a new version of one package moves one layer: `base` (files of the distribution,
 * certificates, time zones), `libc` (the C library and its companions), `libraries`, one for each large source package,
 * one for each source package of what was asked for.
 */
export function groupPackages<P extends Grouped>(
  packages: readonly P[],
  named: ReadonlySet<string>,
  layering: Layering,
): readonly PackageGroup<P>[] {
  if (layering === 'one') return [{ name: 'packages', packages }]
  const namedSources = new Set(packages.filter(({ name }) => named.has(name)).map(({ source }) => source))
  const keyOf = (one: P) => (layering === 'packages' ? `4 ${one.name}` : groupKey(one, namedSources))
  const groups = Map.groupBy(packages, keyOf)
  const sorted = [...groups].toSorted(([a], [b]) => (a < b ? -1 : 1))
  // More than fit go together in the lowest layer.
  const many = sorted.length > MOST_LAYERS ? sorted.slice(0, sorted.length - MOST_LAYERS + 1) : []
  const joined = many.flatMap(([, members]) => members)
  const rest = sorted.slice(many.length).map(([key, members]) => ({ name: key.slice(2), packages: members }))
  return joined.length === 0 ? rest : [{ name: 'packages', packages: joined }, ...rest]
}

/** The digit is the group's place from below. */
function groupKey({ name, source, installedSize }: Grouped, namedSources: ReadonlySet<string>): string {
  if (BASE.has(name)) return '0 base'
  if (C_SOURCES.test(source) && !isCompiler(name)) return '1 libc'
  if (namedSources.has(source)) return `4 ${source}`
  return installedSize >= LARGE ? `3 ${source}` : '2 libraries'
}

/** Built from the same source as libgcc and libstdc++, but large and rarely wanted. */
function isCompiler(name: string): boolean {
  return !/^(?:lib(?:c6|c-bin|gcc-s|stdc\+\+6|gomp|atomic)|gcc-\d+-base)/.test(name)
}
