import { ShaleError } from '../error.ts'
import { runGit } from './run-git.ts'

/** The state of a git work tree. */
export interface GitState {
  /** The whole commit ID, 40 or 64 hex digits. */
  readonly revision: string
  /** Absent when no branch is checked out, as in most CI systems. */
  readonly branch?: string | undefined
  /** What differs from the commit, paths from the work tree's top: changed and untracked files, not ignored ones. */
  readonly changed: readonly string[]
  /** Where the source is, without credentials; absent when the remote is a local path or there is none. */
  readonly source?: string | undefined
}

/**
 * Reads the state of the work tree that a folder is in; undefined when it is in none, or git is not installed. Throws
 * `GIT_FAILED` with what git said when it cannot or will not read the repository.
 */
export async function readGit(folder: string): Promise<GitState | undefined> {
  const [status, remote] = await Promise.all([
    runGit(folder, ['status', '--porcelain=v2', '--branch', '-z', '--untracked-files=normal']),
    runGit(folder, ['config', '--get', 'remote.origin.url']),
  ])
  if (status.kind === 'absent') return undefined
  if (status.kind === 'failed') {
    if (/not a git repository/.test(status.stderr) || /must be run in a work tree/.test(status.stderr)) return undefined
    throw gitFailed(folder, status.stderr)
  }
  const { revision, branch, changed } = parseStatus(status.stdout)
  if (revision === undefined) {
    throw new ShaleError('GIT_FAILED', `the git repository of ${folder} has no commit yet`, { hint: 'commit first' })
  }
  const source = remote.kind === 'ok' ? sourceUrl(remote.stdout.trim()) : undefined
  return { revision, branch, changed, source }
}

/**
 * The version that the nearest tag before the commit names, `1.2.3` for `v1.2.3`; `1.2.3-4` for the fourth commit after
 * it. Undefined when there is no such tag.
 */
export async function versionFromTag(folder: string): Promise<string | undefined> {
  const answer = await runGit(folder, ['describe', '--tags', '--long', '--match', 'v[0-9]*', '--match', '[0-9]*'])
  const [, tag, commits] = answer.kind === 'ok' ? (/^v?(.+)-(\d+)-g[0-9a-f]+\n$/.exec(answer.stdout) ?? []) : []
  if (tag === undefined) return undefined
  return commits === '0' ? tag : `${tag}-${commits}`
}

function gitFailed(folder: string, stderr: string): ShaleError {
  const said =
    stderr
      .trim()
      .split('\n')[0]
      ?.replace(/^fatal: /, '') ?? ''
  const hint = /dubious ownership/.test(said)
    ? `if you trust it: git config --global --add safe.directory ${folder}`
    : 'see what `git status` says there'
  return new ShaleError('GIT_FAILED', `cannot read the git repository of ${folder}: ${said}`, { hint })
}

interface Status {
  readonly revision: string | undefined
  readonly branch: string | undefined
  readonly changed: readonly string[]
}

/** How many fields stand before the path. Source: git-status(1), "Porcelain Format Version 2". */
const FIELDS: Readonly<Record<string, number>> = { '1': 8, '2': 9, u: 10, '?': 1 }

export function parseStatus(output: string): Status {
  const lines = output.split('\0')
  const header = (name: string) => lines.find(line => line.startsWith(`# branch.${name} `))?.split(' ')[2]
  const oid = header('oid')
  const head = header('head')
  const changed: string[] = []
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] as string
    const kind = line[0] ?? ''
    const fields = FIELDS[kind]
    if (fields === undefined) continue
    changed.push(line.split(' ').slice(fields).join(' '))
    // A rename is followed by the path that it had.
    if (kind === '2') at++
  }
  return {
    revision: oid === '(initial)' ? undefined : oid,
    branch: head === '(detached)' ? undefined : head,
    changed,
  }
}

/** The remote as a URL without credentials; undefined for paths of this machine. */
export function sourceUrl(remote: string): string | undefined {
  const scp = /^(?:[^@/:]+@)?([^/:]+):(?!\/\/)(.+)$/.exec(remote)
  const text = scp === null ? remote : `https://${scp[1]}/${scp[2]}`
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  if (!/^(?:https?|ssh|git):$/.test(url.protocol) || url.host === '') return undefined
  const secure = url.protocol === 'http:' ? 'http:' : 'https:'
  const host = url.protocol === 'http:' || url.protocol === 'https:' ? url.host : url.hostname
  return `${secure}//${host}${url.pathname.replace(/^\/+/, '/').replace(/\.git\/?$/, '')}`
}
