import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { ShaleError } from '../error.ts'
import { decompressArchive } from '../layer/decompress-archive.ts'
import { displayUrl } from '../registry/client/http.ts'
import { forEachParallel } from '../transfer/parallel.ts'
import type { Fetcher } from './fetch.ts'
import { type IndexText, packageIndex } from './index.ts'
import type { PackageFile, PackageSource, ReadRelease, Repository } from './package.ts'
import { type Release, readRelease } from './release.ts'
import type { SeenReleases } from './seen-releases.ts'
import { type Trust, verifyClearSigned } from './signature.ts'

export interface DebianArchive {
  readonly repositories: readonly Repository[]
  /** Debian's name of it: `amd64`, `armhf`. */
  readonly architecture: string
  readonly trust: Trust
  readonly fetcher: Fetcher
  readonly seen: SeenReleases
  /** Milliseconds since 1970, for Valid-Until; undefined takes releases of any age, for snapshots. */
  readonly now: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Largest signed Release file and, unpacked, index that are read, in bytes. */
const RELEASE_LIMIT = 16 * 1024 * 1024
const INDEX_LIMIT = 400 * 1024 * 1024

/** A repository as Debian and Ubuntu have them: dists/SUITE/InRelease, Packages files, a pool. */
export function debianArchive(archive: DebianArchive): PackageSource {
  return { read: () => readIndexes(archive), fetch: (wanted, signal) => fetchPackage(archive.fetcher, wanted, signal) }
}

/** A verified package file: what a lock file names needs no index. */
export function fetchPackage(fetcher: Fetcher, wanted: PackageFile, signal?: AbortSignal): Promise<string> {
  const { uris, filename, size, sha256, name, version } = wanted
  const urls = uris.map(uri => below(uri, filename))
  return fetcher.file({ urls, size, sha256, what: `package ${name} ${version}` }, signal)
}

async function readIndexes(archive: DebianArchive): ReturnType<PackageSource['read']> {
  const { repositories, architecture, signal } = archive
  const parts: { releases: ReadRelease[]; texts: IndexText[] }[] = repositories.map(() => ({ releases: [], texts: [] }))
  await forEachParallel(repositories.entries(), 8, signal, async ([at, repository], abort) => {
    const { release, note } = await readSigned(archive, repository, abort)
    const texts = await Promise.all(
      repository.components.map(component => readIndex(archive, { repository, release, component }, abort)),
    )
    parts[at] = { releases: [note], texts: texts.flat() }
  })
  return {
    index: packageIndex(
      parts.flatMap(({ texts }) => texts),
      architecture,
    ),
    releases: parts.flatMap(({ releases }) => releases),
  }
}

interface SignedRelease {
  readonly release: Release
  readonly note: ReadRelease
}

async function readSigned(archive: DebianArchive, repository: Repository, signal: AbortSignal): Promise<SignedRelease> {
  const { fetcher, trust, seen, now } = archive
  const { suite } = repository
  const failures: unknown[] = []
  for (const uri of repository.uris) {
    const url = below(uri, `dists/${suite}/InRelease`)
    const where = displayUrl(url)
    let bytes: Buffer | undefined
    try {
      bytes = await fetcher.document(url, RELEASE_LIMIT, signal)
    } catch (error) {
      // The next mirror may answer; what is wrong with a signature is never passed over.
      failures.push(error)
      continue
    }
    if (bytes === undefined) {
      failures.push(noRelease(where, suite))
      continue
    }
    const release = readRelease(await verifyClearSigned(bytes, where, trust), where)
    checkSuite(release, suite, where)
    checkAge(release, where, now)
    await seen.note(repository, release.date, where)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    return { release, note: { uri, suite, date: release.date, sha256 } }
  }
  throw failures[0]
}

function noRelease(where: string, suite: string): ShaleError {
  return new ShaleError('RELEASE_MISSING', `there is no release ${JSON.stringify(suite)}: ${where} is not found`, {
    hint: 'name a release by its code name, such as debian:trixie or ubuntu:noble',
  })
}

/** A mirror must not hand out another release, well signed as it may be. */
function checkSuite({ suite, codename }: Release, wanted: string, where: string): void {
  const names = [suite, codename]
  if (names.includes(wanted) || wanted.includes('/')) return
  throw new ShaleError('RELEASE_INVALID', `${where} is the release ${codename || suite}, not ${wanted}`)
}

function checkAge({ validUntil, date }: Release, where: string, now: number | undefined): void {
  if (now === undefined) return
  if (validUntil !== undefined && validUntil < now) {
    throw new ShaleError('RELEASE_EXPIRED', `${where} was valid until ${new Date(validUntil).toISOString()}`, {
      hint: 'the mirror is not kept up to date; take another one, or a snapshot with --snapshot',
    })
  }
  if (date > now + 24 * 3600 * 1000) {
    throw new ShaleError('RELEASE_INVALID', `${where} is of ${new Date(date).toISOString()}, which is yet to come`, {
      hint: 'look at the clock of this machine',
    })
  }
}

interface Component {
  readonly repository: Repository
  readonly release: Release
  readonly component: string
}

async function readIndex(
  { architecture, fetcher }: DebianArchive,
  { repository, release, component }: Component,
  signal: AbortSignal,
): Promise<readonly IndexText[]> {
  const base = `${component}/binary-${architecture}/Packages`
  // gzip is unpacked in this process, and fast; xz is smaller.
  const path = [`${base}.xz`, `${base}.gz`, base].find(one => release.files.has(one))
  const file = path === undefined ? undefined : release.files.get(path)
  if (path === undefined || file === undefined) {
    throw new ShaleError('INDEX_MISSING', `${repository.suite} has no packages for ${base.replace('/Packages', '')}`, {
      hint: 'look at the components and the architecture',
    })
  }
  const { size, sha256 } = file
  const folder = `dists/${repository.suite}/${path.slice(0, path.lastIndexOf('/'))}`
  const urls = repository.uris.flatMap(uri => [
    ...(release.byHash ? [below(uri, `${folder}/by-hash/SHA256/${sha256}`)] : []),
    below(uri, `dists/${repository.suite}/${path}`),
  ])
  const stored = await fetcher.file({ urls, size, sha256, what: `the index ${path}` }, signal)
  return [{ text: await readText(stored, path), repository, automatic: release.automatic }]
}

async function readText(path: string, what: string): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of decompressArchive(createReadStream(path))) {
    size += chunk.byteLength
    if (size > INDEX_LIMIT) throw new ShaleError('INDEX_TOO_LARGE', `${what} has more than ${INDEX_LIMIT} bytes`)
    chunks.push(chunk)
  }
  // One byte a character: half the memory, and names are ASCII.
  return Buffer.concat(chunks, size).toString('latin1')
}

/** An address below that of a repository. Throws `REPOSITORY_INVALID` for what would lead elsewhere. */
function below(uri: string, path: string): URL {
  if (path.split('/').includes('..') || path.startsWith('/')) {
    throw new ShaleError('REPOSITORY_INVALID', `${uri} names a file outside of itself: ${JSON.stringify(path)}`)
  }
  return new URL(`${uri}/${path.split('/').map(encodeURIComponent).join('/')}`)
}
