import { readFileSync, statSync } from 'node:fs'
import { basename, isAbsolute, join } from 'node:path'
import { isErrno, ShaleError } from '../error.ts'
import { versionFromTag } from './git.ts'
import { PACKAGE_FILES, type PackageFacts } from './package-files.ts'

/** A version and where it was found. */
export interface FoundVersion {
  readonly version: string
  /** A file's name, `git`, or `shale.yaml` when that says it. */
  readonly from: string
}

const MAX_BYTES = 1024 * 1024

/** The version that the first package file of a folder tells, else the one of its nearest git tag. */
export async function findVersion(folder: string): Promise<FoundVersion | undefined> {
  for (const { file, read } of PACKAGE_FILES) {
    const text = readPackageFile(folder, file)
    const version = text === undefined ? undefined : read(text).version
    if (version !== undefined) return { version: checkedVersion(version, file), from: file }
  }
  return await gitVersion(folder)
}

/**
 * The version that a project file asks for: `git`, a package file's path, any other file's first line, or the version
 * itself. Throws `NO_VERSION`.
 */
export async function namedVersion(folder: string, named: string): Promise<FoundVersion> {
  if (named === 'git') {
    const found = await gitVersion(folder)
    if (found !== undefined) return found
    throw noVersion('no git tag like v1.0.0 is to be found before this commit')
  }
  if (isAbsolute(named) || named.split('/').includes('..')) {
    throw noVersion(`${named} is not in the project's folder`)
  }
  const reader = PACKAGE_FILES.find(({ file }) => file === basename(named))
  const text = readPackageFile(folder, named)
  if (text === undefined && /^v?\d[^/]*$/.test(named)) {
    return { version: checkedVersion(named, 'shale.yaml'), from: 'shale.yaml' }
  }
  if (text === undefined) throw noVersion(`there is no file ${named}`)
  const version = reader === undefined ? text.trim().split('\n')[0] : reader.read(text).version
  if (version === undefined || version === '') throw noVersion(`${named} names no version`)
  return { version: checkedVersion(version, named), from: named }
}

/** What the first package file with a name calls the project. */
export function findName(folder: string): string | undefined {
  const facts = PACKAGE_FILES.map(({ file, read }): PackageFacts => {
    const text = readPackageFile(folder, file)
    return text === undefined ? {} : read(text)
  })
  return facts.find(({ name }) => name !== undefined)?.name
}

async function gitVersion(folder: string): Promise<FoundVersion | undefined> {
  const version = await versionFromTag(folder)
  return version === undefined ? undefined : { version: checkedVersion(version, 'git'), from: 'git' }
}

function readPackageFile(folder: string, file: string): string | undefined {
  const path = join(folder, file)
  try {
    const stat = statSync(path)
    if (!stat.isFile()) return undefined
    if (stat.size > MAX_BYTES) throw new ShaleError('DOCUMENT_TOO_LARGE', `${path} has more than ${MAX_BYTES} bytes`)
    return readFileSync(path, 'utf8')
  } catch (cause) {
    if (isErrno(cause, 'ENOENT', 'ENOTDIR')) return undefined
    if (isErrno(cause)) throw new ShaleError('INVALID_PACKAGE_FILE', `cannot read ${path}: ${cause.message}`, { cause })
    throw cause
  }
}

/** What no tag could be made of is refused where it comes from. */
function checkedVersion(version: string, from: string): string {
  if (/^\w[\w.+~-]{0,100}$/.test(version)) return version
  throw new ShaleError('INVALID_VERSION', `${from} has the version ${JSON.stringify(version.slice(0, 120))}`, {
    hint: 'a version is like 1.4.2 or 1.4.2-rc.1: letters, digits, dots, dashes, plus signs',
  })
}

function noVersion(why: string): ShaleError {
  return new ShaleError('NO_VERSION', `the version is not known: ${why}`, {
    hint: 'see `version` under `release` in shale.yaml',
  })
}
