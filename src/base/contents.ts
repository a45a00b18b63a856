import { ShaleError } from '../error.ts'
import type { ByteString } from '../layer/entry.ts'
import { DEFAULT_GROUPS, DEFAULT_USERS, groupText, passwdText } from './accounts.ts'
import { chooseAlternatives } from './alternatives.ts'
import { certificateBundle, javaKeyStore } from './certificates.ts'
import { type Deb, MERGED } from './deb.ts'
import { type LayerFiles, MadeFiles } from './layer-files.ts'
import type { Package } from './package.ts'

/** A package with its files. */
export interface UnpackedPackage {
  readonly package: Package
  readonly deb: Deb
}

export const CERTIFICATES = 'etc/ssl/certs/ca-certificates.crt'
const JAVA_CERTIFICATES = 'etc/ssl/certs/java/cacerts'

/** The newest time of a package's files, seconds since 1970: the time of what is made from it. */
function timeOf({ entries }: Deb): number {
  return entries.reduce((newest, { mtime }) => Math.max(newest, mtime), 0)
}

/**
 * What a package brings into its layer: its files, its control file where scanners look for it
 * (`var/lib/dpkg/status.d`), and what its scripts would make from its data.
 */
export function filesOf(one: UnpackedPackage, all: ReadonlyMap<string, UnpackedPackage>): readonly LayerFiles[] {
  const { deb, package: found } = one
  const { name } = found
  const made = new MadeFiles(timeOf(deb))
  made.file(`var/lib/dpkg/status.d/${name}`, `${deb.control.trimEnd()}\n`)
  const sums = deb.scripts.get('md5sums')
  if (sums !== undefined) made.file(`var/lib/dpkg/status.d/${name}.md5sums`, sums)
  const authorities = all.get('ca-certificates')?.deb
  if (name === 'ca-certificates') made.file(CERTIFICATES, certificateBundle(deb))
  if (name === 'ca-certificates-java' && authorities !== undefined) {
    made.file(JAVA_CERTIFICATES, javaKeyStore(certificateBundle(authorities), timeOf(authorities) * 1000))
  }
  return [made.files(), deb]
}

/** What is of no package: links into /usr, users, links of alternatives. The last layer. */
export function settingsOf(packages: readonly UnpackedPackage[]): LayerFiles {
  const debs = packages.map(({ deb }) => deb)
  const made = new MadeFiles(Math.max(0, ...debs.map(timeOf)))
  const paths = new Set(debs.flatMap(({ entries }) => entries.map(({ path }) => path)))
  for (const name of MERGED) {
    if (!paths.has(name) && (paths.has(`usr/${name}`) || name.length < 5)) {
      made.directory(`usr/${name}`)
      made.link(name, `usr/${name}`)
    }
  }
  made.directory('tmp', { mode: 0o1777 })
  made.directory('root', { mode: 0o700 })
  made.directory('home')
  made.directory('home/nonroot', { mode: 0o700, uid: 65532, gid: 65532 })
  for (const [path, text] of [
    ['etc/passwd', passwdText(DEFAULT_USERS)],
    ['etc/group', groupText(DEFAULT_GROUPS)],
    ['etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n'],
  ] as const) {
    if (!paths.has(path)) made.file(path, text)
  }
  const exists = (path: string) => paths.has(inUsr(path.replace(/^\//, '')))
  for (const { link, name, path } of chooseAlternatives(debs, exists)) {
    made.link(inUsr(link.replace(/^\//, '')), `/etc/alternatives/${name}`)
    made.link(`etc/alternatives/${name}`, path)
  }
  return made.files()
}

function inUsr(path: ByteString): ByteString {
  return /^(?:bin|sbin|lib)\//.test(path) ? `usr/${path}` : path
}

/** Throws `PACKAGES_COLLIDE` when two packages have the same file and neither says that it replaces the other's. */
export function withoutReplaced(packages: readonly UnpackedPackage[]): readonly UnpackedPackage[] {
  const owners = new Map<ByteString, UnpackedPackage>()
  const lost = new Map<UnpackedPackage, Set<ByteString>>()
  for (const one of packages) {
    for (const { kind, path } of one.deb.entries) {
      if (kind === 'directory') continue
      const other = owners.get(path)
      const loser = other === undefined ? undefined : replaced(other, one, path)
      if (loser !== one) owners.set(path, one)
      if (loser !== undefined) lost.set(loser, (lost.get(loser) ?? new Set()).add(path))
    }
  }
  return packages.map(one => {
    const paths = lost.get(one)
    if (paths === undefined) return one
    return { ...one, deb: { ...one.deb, entries: one.deb.entries.filter(({ path }) => !paths.has(path)) } }
  })
}

function replaced(one: UnpackedPackage, other: UnpackedPackage, path: ByteString): UnpackedPackage {
  const replaces = (a: UnpackedPackage, b: UnpackedPackage) =>
    a.package.replaces.some(({ name }) => name === b.package.name)
  if (replaces(other, one)) return one
  if (replaces(one, other)) return other
  const names = `${one.package.name} and ${other.package.name}`
  throw new ShaleError('PACKAGES_COLLIDE', `${names} both have the file /${path}`, { hint: 'leave one of them out' })
}
