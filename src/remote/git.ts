import { lstatSync, realpathSync, rmSync } from 'node:fs'
import { join, sep } from 'node:path'
import { isErrno, ShaleError } from '../error.ts'
import type { GitSource } from './git-url.ts'
import { type GitCall, runGit } from './run-git.ts'

/** A commit of a repository, found but not fetched. */
export interface GitCommit {
  /** 40 or 64 hex digits. */
  readonly commit: string
  /** The tag's own object, when the ref is an annotated tag. */
  readonly tag?: string | undefined
  /** The complete ref; undefined when the commit itself was named. */
  readonly ref?: string | undefined
}

const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/

/**
 * Asks the repository which commit is meant, which costs one request and fetches nothing. Throws `GIT_REF_NOT_FOUND`,
 * `GIT_CHECKSUM`, `GIT_FAILED`.
 */
export async function findCommit(source: GitSource, signal?: AbortSignal): Promise<GitCommit> {
  const found = await resolveRef(source, signal)
  const { commit: expected } = source
  if (expected === undefined || expected === '') return found
  if (!/^[0-9a-f]{7,64}$/i.test(expected)) {
    const message = `invalid checksum ${JSON.stringify(expected)} for a git source: expected hex commit hash`
    throw new ShaleError('GIT_CHECKSUM', message)
  }
  const wanted = expected.toLowerCase()
  if (found.commit.startsWith(wanted) || found.tag?.startsWith(wanted)) return found
  throw new ShaleError('GIT_CHECKSUM', `${source.shown}: expected checksum to match ${wanted}, got ${found.commit}`, {
    hint: 'the ref has moved, or it is another repository than it was',
  })
}

async function resolveRef(source: GitSource, signal: AbortSignal | undefined): Promise<GitCommit> {
  const { ref, remote, shown } = source
  if (ref !== undefined && COMMIT.test(ref)) return { commit: ref }
  const candidates = ref === undefined ? ['HEAD'] : [ref, `refs/heads/${ref}`, `refs/tags/${ref}`]
  const patterns = ref === undefined ? candidates : candidates.flatMap(name => [name, `${name}^{}`])
  const call: GitCall = { folder: '/', remote, signal }
  const refs = parseRefs(await runGit(call, ['ls-remote', '--', remote, ...patterns]))
  for (const name of candidates) {
    const object = refs.get(name)
    if (object === undefined) continue
    const peeled = refs.get(`${name}^{}`)
    return { ref: name, commit: peeled ?? object, tag: peeled === undefined ? undefined : object }
  }
  const hint = /^[0-9a-f]{4,39}$/.test(ref ?? '') ? 'write a commit with all of its digits' : undefined
  throw new ShaleError('GIT_REF_NOT_FOUND', `repository does not contain ref ${ref ?? 'HEAD'}: ${shown}`, { hint })
}

function parseRefs(text: string): ReadonlyMap<string, string> {
  const lines = text.split('\n').map(line => line.split('\t'))
  return new Map(
    lines.flatMap(([object = '', name]) => (name !== undefined && COMMIT.test(object) ? [[name, object]] : [])),
  )
}

/**
 * Fetches a commit and nothing of its history into `folder`, which is empty, and checks it out there, submodules
 * included. Gives the folder that the source names. `.git` is removed unless the source keeps it. Throws `GIT_FAILED`,
 * `GIT_FOLDER_NOT_FOUND`.
 */
export async function checkOut(
  source: GitSource,
  { commit, ref }: GitCommit,
  folder: string,
  signal?: AbortSignal,
): Promise<string> {
  const { remote } = source
  const call: GitCall = { folder, remote, signal }
  const format = commit.length === 64 ? ['--object-format=sha256'] : []
  await runGit(call, ['init', '-q', '--template=', ...format])
  await runGit(call, ['remote', 'add', 'origin', remote])
  await fetchCommit(call, commit, ref)
  await runGit(call, ['checkout', '-q', '--detach', commit])
  if (source.submodules !== false && isThere(join(folder, '.gitmodules'))) {
    await runGit(call, ['submodule', '-q', 'update', '--init', '--recursive', '--depth=1'])
  }
  if (source.keepGitDir !== true) removeGitDirs(folder)
  // An address may hold a password, and the folder becomes a layer.
  else await runGit(call, ['remote', 'set-url', 'origin', source.shown])
  return folderIn(folder, source)
}

/** A server need not give out commits by their names: then by the ref, then everything. */
async function fetchCommit(call: GitCall, commit: string, ref: string | undefined): Promise<void> {
  const attempts = [
    ['fetch', '-q', '--no-tags', '--depth=1', 'origin', commit],
    ...(ref === undefined ? [] : [['fetch', '-q', '--no-tags', '--depth=1', 'origin', ref]]),
    ['fetch', '-q', '--tags', 'origin', '+refs/heads/*:refs/remotes/origin/*'],
  ]
  let failure: unknown
  for (const attempt of attempts) {
    try {
      await runGit(call, attempt)
      await runGit(call, ['cat-file', '-e', `${commit}^{commit}`])
      return
    } catch (error) {
      if (!(error instanceof ShaleError) || error.code !== 'GIT_FAILED') throw error
      failure ??= error
    }
  }
  throw failure
}

function removeGitDirs(folder: string): void {
  rmSync(join(folder, '.git'), { recursive: true, force: true })
}

/** The folder that `#ref:folder` names: one of the repository, whatever links lead there. */
function folderIn(root: string, { subdir, shown, ref = 'HEAD' }: GitSource): string {
  if (subdir === undefined) return root
  const found = realpathOf(join(root, subdir))
  const inside = found?.startsWith(`${realpathSync(root)}${sep}`) === true
  if (found !== undefined && inside && lstatSync(found).isDirectory()) return found
  throw new ShaleError('GIT_FOLDER_NOT_FOUND', `${shown}#${ref} has no folder ${subdir}`)
}

function realpathOf(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined
    throw error
  }
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

/** Seconds since 1970: when the commit of a checked-out folder was made. */
export async function commitTime(folder: string): Promise<number> {
  return Number(await runGit({ folder, remote: 'file://' }, ['log', '-1', '--format=%ct']))
}
