import type { Relation } from './relation.ts'

/** A package as an index lists it. */
export interface Package {
  readonly name: string
  readonly version: string
  /** Debian's name of it, or `all`. */
  readonly architecture: string
  /** The source package that it was built from. */
  readonly source: string
  readonly essential: boolean
  /** `required`, `important`, `standard`, `optional`. */
  readonly priority: string
  /** Pre-Depends, then Depends. */
  readonly depends: readonly (readonly Relation[])[]
  /** Conflicts, then Breaks. */
  readonly conflicts: readonly Relation[]
  readonly replaces: readonly Relation[]
  readonly provides: readonly Relation[]
  /** KiB. */
  readonly installedSize: number
  /** Of the package file: where it is below the repository, its size in bytes, its digest in hex. */
  readonly filename: string
  readonly size: number
  readonly sha256: string
  readonly repository: Repository
}

/** One suite of a package archive. */
export interface Repository {
  /** Addresses of the archive, tried in order; no slash at the end. */
  readonly uris: readonly string[]
  readonly suite: string
  readonly components: readonly string[]
}

/** The state of a repository that was read: what a lock file notes. */
export interface ReadRelease {
  readonly uri: string
  readonly suite: string
  /** Milliseconds since 1970: the archive's own date. */
  readonly date: number
  /** Of the signed file, hex. */
  readonly sha256: string
}

/** Packages by name, over all repositories. */
export interface PackageIndex {
  /** The versions of a package, the one that is to be installed first. */
  versions(name: string): readonly Package[]
  /** Packages that say that they provide this name, each with the version that it gives it. */
  providers(name: string): readonly { readonly package: Package; readonly version: string | undefined }[]
  names(): Iterable<string>
}

/** Where packages come from. */
export interface PackageSource {
  /** Reads and verifies the indexes of all repositories. */
  read(): Promise<{ readonly index: PackageIndex; readonly releases: readonly ReadRelease[] }>
  /** A verified package file on this machine. */
  fetch(wanted: PackageFile, signal?: AbortSignal): Promise<string>
}

/** A package file as a lock file names it. */
export interface PackageFile {
  readonly name: string
  readonly version: string
  readonly architecture: string
  readonly uris: readonly string[]
  readonly filename: string
  /** Bytes. */
  readonly size: number
  /** Hex. */
  readonly sha256: string
}
