import { ShaleError } from '../error.ts'
import { readParagraph, splitParagraphs } from './deb822.ts'
import type { Package, PackageIndex, Repository } from './package.ts'
import { type Relation, readRelations } from './relation.ts'
import { compareVersions } from './version.ts'

/** The text of one Packages file. */
export interface IndexText {
  readonly text: string
  readonly repository: Repository
  /** False for repositories that are only used for what is asked of them by version (NotAutomatic). */
  readonly automatic: boolean
}

interface Stanza {
  readonly text: string
  readonly from: IndexText
}

/**
 * Packages of several indexes. An index has some 70,000 paragraphs of which a few hundred are looked at, so they are
 * only read when they are asked for. Packages for other architectures are left out.
 */
export function packageIndex(texts: readonly IndexText[], architecture: string): PackageIndex {
  const stanzas = new Map<string, Stanza[]>()
  const provided = new Map<string, Set<string>>()
  for (const from of texts) {
    for (const text of splitParagraphs(from.text)) {
      const name = field(text, 'Package')
      if (name === undefined) continue
      append(stanzas, name, { text, from })
      const provides = field(text, 'Provides')
      if (provides === undefined) continue
      for (const relation of readRelations(provides).flat()) {
        const names = provided.get(relation.name) ?? new Set()
        provided.set(relation.name, names.add(name))
      }
    }
  }
  const read = new Map<string, readonly Package[]>()
  const versions = (name: string): readonly Package[] => {
    const known = read.get(name) ?? readVersions(stanzas.get(name) ?? [], architecture)
    read.set(name, known)
    return known
  }
  return { versions, providers: name => providersOf(provided.get(name), name, versions), names: () => stanzas.keys() }
}

function append<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const there = map.get(key)
  if (there === undefined) map.set(key, [value])
  else there.push(value)
}

/** A field of one line, without reading the whole paragraph. */
function field(text: string, name: string): string | undefined {
  const from = text.startsWith(`${name}: `) ? 0 : text.indexOf(`\n${name}: `) + 1
  if (from === 0 && !text.startsWith(`${name}: `)) return undefined
  const end = text.indexOf('\n', from)
  return text.slice(from + name.length + 2, end < 0 ? undefined : end).trim()
}

/** Automatic ones first, then the newest; the same version in two repositories is taken from the first. */
function readVersions(stanzas: readonly Stanza[], architecture: string): readonly Package[] {
  return stanzas
    .map(({ text, from }) => ({ found: readPackage(text, from.repository), automatic: from.automatic }))
    .filter(({ found }) => found.architecture === architecture || found.architecture === 'all')
    .toSorted((a, b) => {
      return Number(b.automatic) - Number(a.automatic) || compareVersions(b.found.version, a.found.version)
    })
    .map(({ found }) => found)
}

function readPackage(text: string, repository: Repository): Package {
  const fields = readParagraph(text)
  const get = (name: string): string => fields.get(name) ?? ''
  const relations = (...names: readonly string[]) => names.flatMap(name => readRelations(fields.get(name)))
  const name = get('package')
  checkFields(name, get('sha256'), get('size'))
  return {
    ...{ name, version: get('version'), architecture: get('architecture') },
    source: /^\S+/.exec(get('source'))?.[0] ?? name,
    essential: get('essential') === 'yes',
    priority: get('priority'),
    depends: relations('pre-depends', 'depends'),
    conflicts: relations('conflicts', 'breaks').flat(),
    replaces: relations('replaces').flat(),
    provides: relations('provides').flat(),
    installedSize: Number(get('installed-size')) || 0,
    filename: get('filename'),
    size: Number(get('size')),
    sha256: get('sha256'),
    repository,
  }
}

/** Names and digests become names of files. Throws `INDEX_INVALID`. */
function checkFields(name: string, sha256: string, size: string): void {
  const why = !/^[a-z0-9][a-z0-9.+-]*$/i.test(name)
    ? 'which is no name'
    : !/^[0-9a-f]{64}$/.test(sha256)
      ? 'without a sha256 digest'
      : !/^\d{1,15}$/.test(size)
        ? 'without a size'
        : undefined
  if (why !== undefined) {
    throw new ShaleError('INDEX_INVALID', `an index lists the package ${JSON.stringify(name)}, ${why}`)
  }
}

function providersOf(
  names: ReadonlySet<string> | undefined,
  virtual: string,
  versions: (name: string) => readonly Package[],
): ReturnType<PackageIndex['providers']> {
  return [...(names ?? [])].flatMap(name => {
    // Only the version that would be installed counts.
    const [found] = versions(name)
    const relation = found?.provides.find((one: Relation) => one.name === virtual)
    return found === undefined || relation === undefined ? [] : [{ package: found, version: relation.version }]
  })
}
