import type { ImageFiles } from '../../rootfs/image-files.ts'

/** A package that two images have differently; undefined where it is not installed. */
export interface PackageChange {
  readonly name: string
  /** Who keeps it: `dpkg`, `apk`. */
  readonly kind: string
  readonly before: string | undefined
  readonly after: string | undefined
}

interface PackageList {
  readonly kind: string
  readonly path: string
  /** Name to version; several versions are joined. */
  readonly parse: (text: string) => ReadonlyMap<string, string>
}

/** Sources: deb-control(5) and dpkg's status file; apk-tools' installed database. */
const LISTS: readonly PackageList[] = [
  { kind: 'dpkg', path: 'var/lib/dpkg/status', parse: parseDpkg },
  { kind: 'apk', path: 'lib/apk/db/installed', parse: parseApk },
]

/** Lists are read only where they differ. */
export async function packageChanges(a: ImageFiles, b: ImageFiles): Promise<readonly PackageChange[]> {
  const changes = await Promise.all(LISTS.map(list => changesOf(list, a, b)))
  return changes.flat()
}

async function changesOf(list: PackageList, a: ImageFiles, b: ImageFiles): Promise<readonly PackageChange[]> {
  const [old, young] = [a.view.lookup(list.path), b.view.lookup(list.path)]
  if (old?.kind === 'file' && young?.kind === 'file' && old.digest === young.digest) return []
  const read = async (files: ImageFiles, there: boolean) => {
    return list.parse(there ? (await files.readFile(list.path)).toString('utf8') : '')
  }
  const [before, after] = await Promise.all([read(a, old?.kind === 'file'), read(b, young?.kind === 'file')])
  const names = [...new Set([...before.keys(), ...after.keys()])].sort()
  return names
    .filter(name => before.get(name) !== after.get(name))
    .map(name => ({ name, kind: list.kind, before: before.get(name), after: after.get(name) }))
}

/** Paragraphs of `Field: value`; one that is not installed any more is left out. */
export function parseDpkg(text: string): ReadonlyMap<string, string> {
  return packagesOf(text, paragraph => {
    if (!/^Status: .* installed$/m.test(paragraph)) return undefined
    return [field(paragraph, 'Package: '), field(paragraph, 'Version: ')]
  })
}

/** Paragraphs of lines that begin with a letter and a colon. */
export function parseApk(text: string): ReadonlyMap<string, string> {
  return packagesOf(text, paragraph => [field(paragraph, 'P:'), field(paragraph, 'V:')])
}

function packagesOf(
  text: string,
  read: (paragraph: string) => readonly [string | undefined, string | undefined] | undefined,
): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const paragraph of text.split('\n\n')) {
    const [name, version] = read(paragraph) ?? []
    if (name === undefined || version === undefined) continue
    const known = found.get(name)
    // Several architectures of one package.
    found.set(name, known === undefined || known === version ? version : `${known}, ${version}`)
  }
  return found
}

function field(paragraph: string, begin: string): string | undefined {
  const line = paragraph.split('\n').find(each => each.startsWith(begin))
  return line?.slice(begin.length).trim()
}
