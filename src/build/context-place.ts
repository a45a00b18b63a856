import { createReadStream, mkdirSync, rmSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { ShaleError } from '../error.ts'
import type { FolderCommit } from '../remote/git-folder.ts'
import { parseGitUrl, redactUrl } from '../remote/git-url.ts'
import { looksLikeArchive, peek } from '../remote/sniff.ts'

/** Where a context is and what it is called. */
export interface ContextPlace {
  /** Absolute path of the folder. */
  readonly folder: string
  /** For messages, and for telling builds of the same context from others. */
  readonly name: string
  /**
   * `folder`: the user's. `fetched`: made for this build, of what is somebody else's; its links do not lead out of it.
   * `none`: there is only a Dockerfile.
   */
  readonly kind: 'folder' | 'fetched' | 'none'
  /** The Dockerfile, when that is all there is. */
  readonly dockerfileText?: string | undefined
  /** Seconds since 1970: when the commit was made, or what the server says. */
  readonly time?: number | undefined
  /** The commit whose time that is: of a repository that was fetched, and of a folder when it was asked for. */
  readonly commit?: FolderCommit | undefined
}

export interface PlaceRequest {
  /** Absolute path of a folder or an archive, an address of a git repository, of an archive or of a Dockerfile. */
  readonly context: string
  /** An archive or a Dockerfile that is read in place of `context`. */
  readonly bytes?: AsyncIterable<Uint8Array> | undefined
  readonly scratchFolder: () => string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal?: AbortSignal | undefined
}

/** The largest Dockerfile that is taken for one, in bytes. */
const MAX_DOCKERFILE = 16 * 1024 * 1024

/**
 * Brings a context to where it can be read. Throws `CONTEXT_NOT_FOUND`, `GIT_FAILED` and its kin, `DOWNLOAD_FAILED`, and
 * what unpacking an archive throws.
 */
export async function placeContext(request: PlaceRequest): Promise<ContextPlace> {
  const { context, bytes } = request
  if (bytes !== undefined) return placeBytes(request, bytes, 'standard input')
  const stat = statSync(context, { throwIfNoEntry: false })
  if (stat?.isDirectory()) return { folder: resolve(context), name: resolve(context), kind: 'folder' }
  if (stat?.isFile()) return placeFile(request)
  if (parseGitUrl(context) !== undefined) return placeGit(request)
  if (/^https?:\/\//.test(context)) return placeUrl(request)
  const what =
    stat === undefined ? `path ${JSON.stringify(context)} not found` : `${JSON.stringify(context)} is no folder`
  throw new ShaleError('CONTEXT_NOT_FOUND', `unable to prepare context: ${what}`, {
    hint: 'the last argument of build is the folder with the files to copy, often .',
  })
}

/** With the commit of a folder, whose time is then the context's. Throws `GIT_MISSING`, `GIT_FAILED`. */
export async function withCommit(place: ContextPlace, signal?: AbortSignal): Promise<ContextPlace> {
  if (place.kind !== 'folder') return place
  const { folderCommit } = await import('../remote/git-folder.ts')
  const commit = await folderCommit(place.folder, signal)
  return { ...place, commit, time: commit?.time }
}

async function placeGit({ context, scratchFolder, signal }: PlaceRequest): Promise<ContextPlace> {
  const { checkOut, commitTime, findCommit } = await import('../remote/git.ts')
  const source = parseGitUrl(context)
  if (source === undefined) throw new Error(`${context} is no git address`)
  const found = await findCommit(source, signal)
  const root = scratchFolder()
  const folder = await checkOut({ ...source, keepGitDir: true }, found, root, signal)
  const time = await commitTime(root)
  const commit = { commit: found.commit, time, changed: [] }
  if (source.keepGitDir !== true) rmSync(join(root, '.git'), { recursive: true, force: true })
  return { folder, name: redactUrl(context), kind: 'fetched', time, commit }
}

async function placeUrl(request: PlaceRequest): Promise<ContextPlace> {
  const { download } = await import('../remote/http.ts')
  const { context, env, signal } = request
  const path = join(request.scratchFolder(), 'context')
  const got = await download({ url: parseUrl(context), path, env, signal })
  const changed = Date.parse(got?.lastModified ?? '')
  const time = Number.isNaN(changed) ? undefined : Math.floor(changed / 1000)
  const file = await open(path)
  const placed = await placeBytes(request, file.createReadStream(), redactUrl(context)).finally(() => file.close())
  return { ...placed, time: time ?? placed.time }
}

function parseUrl(text: string): URL {
  if (URL.canParse(text)) return new URL(text)
  throw new ShaleError('INVALID_URL', `${JSON.stringify(redactUrl(text))} is no address`)
}

async function placeFile(request: PlaceRequest): Promise<ContextPlace> {
  const { context } = request
  const { head, all } = await peek(createReadStream(context), 512)
  if (!looksLikeArchive(head)) {
    await all.return(undefined)
    throw new ShaleError('CONTEXT_NOT_FOUND', `unable to prepare context: ${JSON.stringify(context)} is no folder`, {
      hint: `an archive would do as well; a Dockerfile is named with -f: shale build -f ${context} .`,
    })
  }
  return placeBytes(request, all, context)
}

async function placeBytes(
  request: PlaceRequest,
  bytes: AsyncIterable<Uint8Array>,
  name: string,
): Promise<ContextPlace> {
  const { head, all } = await peek(bytes, 512)
  const folder = join(request.scratchFolder(), 'files')
  mkdirSync(folder)
  if (!looksLikeArchive(head)) {
    const dockerfileText = await readDockerfile(all, name)
    return { folder, name, kind: 'none', dockerfileText }
  }
  const { unpackArchive } = await import('../remote/unpack.ts')
  try {
    const time = await unpackArchive(all, folder, request.signal)
    return { folder, name, kind: 'fetched', time }
  } catch (error) {
    if (!(error instanceof ShaleError)) throw error
    throw new ShaleError(error.code, `the context from ${name}: ${error.message}`, { cause: error, hint: error.hint })
  }
}

async function readDockerfile(bytes: AsyncIterable<Uint8Array>, name: string): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of bytes) {
    size += chunk.byteLength
    if (size > MAX_DOCKERFILE) {
      throw new ShaleError('DOCUMENT_TOO_LARGE', `${name} is no archive, and too large for a Dockerfile`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
