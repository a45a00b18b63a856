import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, normalize, relative, resolve, sep } from 'node:path'
import { type IgnoreDirectory, IgnoreMatcher, type IgnorePattern, parseIgnoreFile } from '../dockerfile/ignore.ts'
import { nearest } from '../dockerfile/nearest.ts'
import { type Dockerfile, parseDockerfile } from '../dockerfile/parse.ts'
import { isErrno, ShaleError } from '../error.ts'
import { type ByteString, parentPath } from '../layer/entry.ts'
import { type ContextModes, ContextSource, type PathFilter } from './context.ts'
import type { ContextPlace } from './context-place.ts'
import type { KnownDigests } from './hash-files.ts'
import type { BuildOptions } from './options.ts'

/** A Dockerfile and the folder it copies from. */
export interface LoadedContext {
  readonly dockerfile: Dockerfile
  readonly source: ContextSource
}

/** The largest Dockerfile or .dockerignore that is read, in bytes. */
const MAX_TEXT = 16 * 1024 * 1024

/**
 * Reads Dockerfile and .dockerignore of a context. Throws `DOCKERFILE_NOT_FOUND`, `PATH_ESCAPES` for a fetched context
 * whose links lead out of it, and syntax errors.
 */
export function loadContext(options: BuildOptions, place: ContextPlace, known: KnownDigests): LoadedContext {
  const { folder } = place
  const given = options.dockerfileText ?? place.dockerfileText
  const path = given === undefined ? dockerfilePath(folder, options.dockerfile) : undefined
  if (path !== undefined && place.kind === 'fetched') checkInside(folder, path, options.dockerfile ?? basename(path))
  const text = given ?? readDockerfile(place, path as string)
  const file = path === undefined ? 'Dockerfile' : displayPath(folder, path)
  return { dockerfile: parseDockerfile(text, { file }), source: openContext(place, known, path, options.contextModes) }
}

/** A folder to copy from, without what its .dockerignore (or that of the Dockerfile) leaves out. */
export function openContext(
  place: ContextPlace,
  known: KnownDigests,
  dockerfile?: string,
  modes?: ContextModes,
): ContextSource {
  const { folder } = place
  const ignoreFile = findIgnoreFile(folder, dockerfile)
  if (ignoreFile !== undefined && place.kind === 'fetched')
    checkInside(folder, ignoreFile, displayPath(folder, ignoreFile))
  const ignoreText = ignoreFile === undefined ? '' : readText(ignoreFile)
  const ignoreName = ignoreFile === undefined ? '.dockerignore' : displayPath(folder, ignoreFile)
  const matcher = new IgnoreMatcher(parseIgnoreFile(ignoreText), {
    bytes: true,
    source: { file: ignoreName, text: ignoreText },
  })
  const missing = (pattern: string) =>
    place.kind === 'none' ? nothingThere(place, pattern) : missingSource(place, pattern, matcher, ignoreName)
  return new ContextSource(folder, known, contextFilter(matcher), missing, modes)
}

/** What others made may hold links to this machine's files. */
function checkInside(folder: string, path: string, shown: string): void {
  const real = existsSync(path) ? realpathSync(path) : path
  if (real.startsWith(`${realpathSync(folder)}${sep}`) || real.startsWith(`${folder}${sep}`)) return
  throw new ShaleError('PATH_ESCAPES', `${shown} leads out of the build context`)
}

function dockerfilePath(folder: string, named: string | undefined): string {
  if (named !== undefined) return resolve(folder, named)
  const standard = join(folder, 'Dockerfile')
  const lower = join(folder, 'dockerfile')
  return !existsSync(standard) && existsSync(lower) ? lower : standard
}

/** A fetched context lies in a folder that tells the user nothing. */
function readDockerfile({ kind, folder, name }: ContextPlace, path: string): string {
  if (kind === 'folder' || existsSync(path)) return readText(path)
  const names = readdirSync(folder).filter(other => /dockerfile/i.test(other))
  const near = nearest(basename(path), names) ?? names[0]
  const message = `failed to read dockerfile: ${name} has no ${relative(folder, path)}`
  throw new ShaleError('DOCKERFILE_NOT_FOUND', message, {
    hint: near === undefined ? 'name it with -f, as a path in the context' : `did you mean -f ${near}?`,
  })
}

function readText(path: string): string {
  try {
    if (statSync(path).size > MAX_TEXT) {
      throw new ShaleError('DOCUMENT_TOO_LARGE', `${path} has more than ${MAX_TEXT} bytes`)
    }
    return readFileSync(path, 'utf8')
  } catch (cause) {
    if (isErrno(cause, 'ENOENT', 'ENOTDIR')) throw dockerfileMissing(path, cause)
    if (isErrno(cause, 'EISDIR'))
      throw new ShaleError('DOCKERFILE_NOT_FOUND', `${path} is a directory, no file`, { cause })
    if (isErrno(cause))
      throw new ShaleError('DOCKERFILE_UNREADABLE', `cannot read ${path}: ${cause.message}`, { cause })
    throw cause
  }
}

function dockerfileMissing(path: string, cause: unknown): ShaleError {
  const folder = dirname(path)
  const names = existsSync(folder) ? readdirSync(folder).filter(name => /dockerfile/i.test(name)) : []
  const near = nearest(basename(path), names) ?? names[0]
  const hint = near === undefined ? 'name it with -f, or make one' : `did you mean -f ${join(folder, near)}?`
  return new ShaleError('DOCKERFILE_NOT_FOUND', `failed to read dockerfile: open ${path}: no such file or directory`, {
    cause,
    hint,
  })
}

/** `<Dockerfile>.dockerignore` beside the Dockerfile is used in place of the context's own. */
function findIgnoreFile(folder: string, dockerfile: string | undefined): string | undefined {
  const candidates = [
    ...(dockerfile === undefined ? [] : [`${dockerfile}.dockerignore`]),
    join(folder, '.dockerignore'),
  ]
  return candidates.find(path => existsSync(path))
}

function displayPath(folder: string, path: string): string {
  const inside = relative(folder, path)
  return inside.startsWith('..') ? path : inside
}

/** Keeps the matcher's state for each directory, so that a path costs one look at its own name. */
function contextFilter(matcher: IgnoreMatcher): PathFilter {
  const states = new Map<ByteString, IgnoreDirectory>([['', matcher.root]])
  const stateOf = (directory: ByteString): IgnoreDirectory => {
    const known = states.get(directory)
    if (known !== undefined) return known
    const state = matcher.enter(stateOf(parentPath(directory)), lastName(directory))
    states.set(directory, state)
    return state
  }
  return {
    ignores: path => matcher.test(stateOf(parentPath(path)), lastName(path)).ignored,
    excludes: path => matcher.excludes(path),
    prunes: path => stateOf(path).skip,
    keeps: directory => {
      const { settled, match } = stateOf(directory)
      return settled && !match.ignored
    },
  }
}

function lastName(path: ByteString): ByteString {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** The empty folder stands in for a context that there is not: its name tells the user nothing. */
function nothingThere({ name }: ContextPlace, pattern: string): ShaleError {
  const message = `${JSON.stringify(normalize(join('/', pattern)))}: the build context is empty: the Dockerfile came from ${name}, without a folder`
  return new ShaleError('COPY_SOURCE_NOT_FOUND', message, {
    hint: 'name a folder to copy from: shale build -f - . < Dockerfile',
  })
}

function missingSource(
  { folder, name }: ContextPlace,
  pattern: string,
  matcher: IgnoreMatcher,
  ignoreName: string,
): ShaleError {
  if (/^(?:\.?\/)*\.\.(?:\/|$)/.test(pattern)) return sourceAbove(name, pattern)
  const clean = pattern.replace(/^\.?\/+/, '').replace(/\/+$/, '')
  const excluded = existsSync(join(folder, clean)) ? matcher.match(clean).pattern : undefined
  const hint = excluded === undefined ? nearestHint(folder, clean) : excludedHint(clean, excluded, ignoreName)
  return new ShaleError('COPY_SOURCE_NOT_FOUND', `"/${clean}": not found in the build context ${name}`, { hint })
}

/** Dots cannot lead out of the context: it is the whole world of its sources (Dockerfile reference, COPY). */
function sourceAbove(folder: string, pattern: string): ShaleError {
  const inside = normalize(join('/', pattern))
  const message = `${JSON.stringify(inside)}: not found in the build context ${folder}`
  return new ShaleError('COPY_SOURCE_NOT_FOUND', message, {
    hint: `${pattern} is outside of the build context; build from a folder above, with -f for the Dockerfile`,
  })
}

function excludedHint(path: string, pattern: IgnorePattern, ignoreName: string): string {
  return `${path} exists, but line ${pattern.line} of ${ignoreName} excludes it: ${pattern.raw.trim()}`
}

/** The existing path that is most like the missing one: right folder with a like name, or the same name elsewhere. */
function nearestHint(folder: string, path: string): string | undefined {
  const directory = dirname(path)
  const siblings = listNames(join(folder, directory))
  const near = nearest(basename(path), siblings)
  if (near !== undefined) return `did you mean ${join(directory, near)}?`
  const elsewhere = findByName(folder, basename(path))
  if (elsewhere !== undefined) return `did you mean ${elsewhere}?`
  const there = siblings.length > 0 && siblings.length <= 6 ? ` has only ${siblings.toSorted().join(', ')}` : undefined
  if (there !== undefined) return directory === '.' ? `the build context${there}` : `${directory}${there}`
  return 'sources of COPY are paths in the build context, the folder that build is given'
}

function listNames(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** Breadth first, bounded: it serves a hint. */
function findByName(folder: string, name: string): string | undefined {
  const queue = ['']
  for (let looked = 0; looked < 500 && queue.length > 0; looked++) {
    const directory = queue.shift() as string
    for (const entry of readdirSafe(join(folder, directory))) {
      const path = join(directory, entry.name)
      if (entry.name === name) return path
      if (entry.isDirectory() && entry.name !== 'node_modules' && entry.name !== '.git') queue.push(path)
    }
  }
  return undefined
}

function readdirSafe(folder: string): ReturnType<typeof readEntries> {
  try {
    return readEntries(folder)
  } catch {
    return []
  }
}

function readEntries(folder: string) {
  return readdirSync(folder, { withFileTypes: true })
}
