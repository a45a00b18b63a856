import { nearest } from '../dockerfile/nearest.ts'
import { ShaleError } from '../error.ts'
import type { Package, PackageIndex } from './package.ts'
import { acceptsVersion, type Relation } from './relation.ts'

export interface ResolveRequest {
  /** Package names, or `name=version`. */
  readonly packages: readonly string[]
  readonly architecture: string
  /** Takes all packages that are Essential too. */
  readonly essential: boolean
  /** False for a dependency that need not be there. */
  readonly follows: (from: Package, to: Package) => boolean
}

/** A package of the set, and the package whose dependency brought it. */
interface Chosen {
  readonly package: Package
  readonly for: Chosen | undefined
}

/** A dependency that is met in one of several ways. */
interface Choice {
  readonly from: Chosen
  readonly group: readonly Relation[]
}

/**
 * Packages with all that they depend on, by name; recommended ones are left out, as with `apt-get install
 * --no-install-recommends`. Of each package only the version counts that apt would install. What can be met in one way
 * only is taken first, so that of alternatives one is met by what is there anyway; else it is the first that can be
 * installed. Throws `PACKAGE_UNKNOWN`, `PACKAGES_UNSATISFIABLE` and `PACKAGES_CONFLICT` with the chain that leads there.
 */
export function resolvePackages(index: PackageIndex, request: ResolveRequest): readonly Package[] {
  return new Resolution(index, request).run()
}

class Resolution {
  readonly #index: PackageIndex
  readonly #request: ResolveRequest
  readonly #chosen = new Map<string, Chosen>()
  readonly #provided = new Map<string, Package[]>()
  readonly #open: Chosen[] = []
  readonly #choices: Choice[] = []
  readonly #dead = new Map<Package, boolean>()

  constructor(index: PackageIndex, request: ResolveRequest) {
    this.#index = index
    this.#request = request
  }

  run(): readonly Package[] {
    const named = this.#request.packages.map(name => this.#named(name))
    const essential = this.#request.essential ? this.#essential() : []
    for (const found of [...named, ...essential]) this.#choose(found, undefined)
    for (;;) {
      const next = this.#open.shift()
      if (next !== undefined) {
        this.#followAll(next)
        continue
      }
      const choice = this.#choices.shift()
      if (choice === undefined) break
      if (!this.#isMet(choice.group)) this.#decide(choice)
    }
    this.#checkConflicts()
    return [...this.#chosen.values()].map(one => one.package).toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }

  #named(text: string): Package {
    const [, name = text, qualifier, version] = /^([^:=]+)(?::([^=]+))?(?:=(.+))?$/.exec(text) ?? []
    const versions = this.#index.versions(name)
    const found = version === undefined ? versions[0] : versions.find(one => one.version === version)
    if (found !== undefined && this.#isRightArchitecture(qualifier)) return found
    throw unknownPackage(this.#index, { name, version, architecture: qualifier ?? this.#request.architecture })
  }

  #essential(): readonly Package[] {
    return [...this.#index.names()].flatMap(name => {
      const [found] = this.#index.versions(name)
      return found?.essential ? [found] : []
    })
  }

  #isRightArchitecture(qualifier: string | undefined): boolean {
    return qualifier === undefined || ['any', 'native', 'all', this.#request.architecture].includes(qualifier)
  }

  #choose(found: Package, reason: Chosen | undefined): void {
    const there = this.#chosen.get(found.name)
    if (there !== undefined) {
      if (there.package.version === found.version) return
      throw conflict(`two versions of ${found.name} are wanted`, there, { package: found, for: reason })
    }
    const chosen = { package: found, for: reason }
    this.#chosen.set(found.name, chosen)
    for (const { name } of found.provides) {
      const others = this.#provided.get(name)
      if (others === undefined) this.#provided.set(name, [found])
      else others.push(found)
    }
    this.#open.push(chosen)
  }

  #followAll(from: Chosen): void {
    for (const group of from.package.depends) {
      if (this.#isMet(group)) continue
      const [only, ...others] = group
      const sure = others.length === 0 && only !== undefined ? this.#real(only) : undefined
      if (sure === undefined) this.#choices.push({ from, group })
      else this.#follow(from, sure)
    }
  }

  #follow(from: Chosen, to: Package): void {
    if (this.#request.follows(from.package, to)) this.#choose(to, from)
  }

  /** The first alternative that can be installed, as apt has it: a package of that name before those that provide it. */
  #decide({ from, group }: Choice): void {
    const possible = group.flatMap(relation => this.#solutions(relation, from.package))
    const [first] = possible
    if (first === undefined) throw unsatisfiable(this.#index, from, group)
    const ignored = possible.find(found => !this.#request.follows(from.package, found))
    if (ignored !== undefined) return
    this.#choose(possible.find(found => this.#fits(found)) ?? first, from)
  }

  #isMet(group: readonly Relation[]): boolean {
    return group.some(relation => {
      const chosen = this.#chosen.get(relation.name)?.package
      const real = chosen !== undefined && acceptsVersion(relation, chosen.version)
      return (real || this.#isProvided(relation)) && this.#isRightArchitecture(relation.qualifier)
    })
  }

  #isProvided(relation: Relation): boolean {
    return (this.#provided.get(relation.name) ?? []).some(one => provides(one, relation))
  }

  /** The package of this name, when its version is right. */
  #real(relation: Relation): Package | undefined {
    const [found] = this.#index.versions(relation.name)
    const right = found !== undefined && acceptsVersion(relation, found.version)
    return right && this.#isRightArchitecture(relation.qualifier) ? found : undefined
  }

  #solutions(relation: Relation, from: Package): readonly Package[] {
    const real = this.#real(relation)
    const virtual = this.#index
      .providers(relation.name)
      .map(one => one.package)
      .filter(one => one.name !== relation.name && provides(one, relation))
    return [...(real === undefined ? [] : [real]), ...byPreference(virtual, from)]
  }

  /** No conflict with what is there, and everything that it surely needs exists. */
  #fits(found: Package): boolean {
    const others = [...this.#chosen.values()].map(one => one.package)
    if (others.some(other => conflicts(found, other) || conflicts(other, found))) return false
    return !this.#isDead(found)
  }

  #isDead(found: Package): boolean {
    const known = this.#dead.get(found)
    if (known !== undefined) return known
    // In a circle nothing speaks against the package.
    this.#dead.set(found, false)
    const dead = found.depends.some(group => {
      if (this.#isMet(group)) return false
      const ways = group.flatMap(relation => this.#solutions(relation, found))
      return ways.every(way => this.#request.follows(found, way) && this.#isDead(way))
    })
    this.#dead.set(found, dead)
    return dead
  }

  #checkConflicts(): void {
    for (const one of this.#chosen.values()) {
      for (const relation of one.package.conflicts) {
        const candidates = [relation.name, ...(this.#provided.get(relation.name) ?? []).map(other => other.name)]
        for (const name of candidates) {
          const other = this.#chosen.get(name)
          if (other === undefined || !conflicts(one.package, other.package)) continue
          throw conflict(`${one.package.name} cannot be there together with ${other.package.name}`, one, other)
        }
      }
    }
  }
}

function provides(found: Package, relation: Relation): boolean {
  return found.provides.some(({ name, version }) => {
    if (name !== relation.name) return false
    // A name without a version meets no relation that wants one.
    return relation.operator === undefined || (version !== undefined && acceptsVersion(relation, version))
  })
}

function conflicts(one: Package, other: Package): boolean {
  if (one.name === other.name) return false
  return one.conflicts.some(relation => {
    if (relation.name === other.name) return acceptsVersion(relation, other.version)
    return provides(other, relation)
  })
}

const PRIORITIES = ['required', 'important', 'standard', 'optional', 'extra']

/** Which of the packages that provide a name apt would take. */
function byPreference(packages: readonly Package[], from: Package): readonly Package[] {
  const rank = (one: Package): number =>
    (one.essential ? -100 : 0) + (one.source === from.source ? -50 : 0) + PRIORITIES.indexOf(one.priority)
  return packages.toSorted((a, b) => rank(a) - rank(b))
}

function unknownPackage(
  index: PackageIndex,
  { name, version, architecture }: { name: string; version: string | undefined; architecture: string },
): ShaleError {
  const versions = index.versions(name).map(one => one.version)
  if (versions.length > 0 && version !== undefined) {
    return new ShaleError('PACKAGE_UNKNOWN', `${name} is not there in version ${version}`, {
      hint: `what is there: ${versions.join(', ')}`,
    })
  }
  const virtual = index.providers(name).map(one => one.package.name)
  const near = nearest(name, index.names())
  const hint =
    virtual.length > 0
      ? `it is provided by ${virtual.slice(0, 8).join(', ')}: name one of these`
      : near === undefined
        ? undefined
        : `did you mean ${near}?`
  return new ShaleError('PACKAGE_UNKNOWN', `no repository has a package ${name} for ${architecture}`, { hint })
}

function unsatisfiable(index: PackageIndex, from: Chosen, group: readonly Relation[]): ShaleError {
  const wanted = group.map(({ text }) => text).join(' | ')
  const known = group.flatMap(({ name }) => index.versions(name).slice(0, 1))
  const there = known.map(({ name, version }) => `${name} is ${version}`).join(', ')
  const why = there === '' ? 'no repository has it' : there
  return new ShaleError('PACKAGES_UNSATISFIABLE', `${chain(from)} needs ${wanted}, but ${why}`, {
    hint: 'add the repository that has it, or look whether all repositories are of the same release',
  })
}

function conflict(why: string, one: Chosen, other: Chosen): ShaleError {
  return new ShaleError('PACKAGES_CONFLICT', `${why}: ${chain(one)}, and ${chain(other)}`, {
    hint: 'leave one of them out',
  })
}

/** `nginx 1.26-3, which needs libssl3t64 3.5.1`, from what was named on. */
function chain(end: Chosen): string {
  const names: string[] = []
  for (let at: Chosen | undefined = end; at !== undefined; at = at.for) {
    names.unshift(`${at.package.name} ${at.package.version}`)
  }
  return names.join(' → ')
}
