import { ShaleError } from '../error.ts'
import { runGit } from './run-git.ts'

/** The commit of the repository that a folder is in. */
export interface FolderCommit {
  /** 40 or 64 hex digits. */
  readonly commit: string
  /** Seconds since 1970: when it was made. */
  readonly time: number
  /** What is in the folder and not in the commit, or not as it is there; paths from the folder, ignored files left out. */
  readonly changed: readonly string[]
}

/**
 * Undefined for a folder that is in no repository, or in one without a commit. Throws `GIT_MISSING`, and `GIT_FAILED`
 * when git does not want to read the repository.
 */
export async function folderCommit(folder: string, signal?: AbortSignal): Promise<FolderCommit | undefined> {
  const git = (...args: readonly string[]) => runGit({ folder, remote: 'file://', signal }, args)
  const found = await lastCommit(git, folder)
  if (found === undefined) return undefined
  const lists = await Promise.all([
    git('diff', '--name-only', '--relative', '--no-ext-diff', '-z', 'HEAD', '--', '.'),
    git('ls-files', '--others', '--exclude-standard', '-z', '--', '.'),
  ])
  return { ...found, changed: lists.flatMap(list => list.split('\0').filter(path => path !== '')) }
}

async function lastCommit(
  git: (...args: readonly string[]) => Promise<string>,
  folder: string,
): Promise<Pick<FolderCommit, 'commit' | 'time'> | undefined> {
  try {
    const [commit = '', time = ''] = (await git('log', '-1', '--no-show-signature', '--format=%H %ct'))
      .trim()
      .split(' ')
    return { commit, time: Number(time) }
  } catch (error) {
    if (!(error instanceof ShaleError) || error.code !== 'GIT_FAILED') throw error
    if (/not a git repository|does not have any commits yet/.test(error.message)) return undefined
    if (!/dubious ownership/.test(error.message)) throw error
    const message = `cannot read the git repository of ${folder}: it belongs to somebody else`
    const hint = `if you trust it: git config --global --add safe.directory ${folder}`
    throw new ShaleError('GIT_FAILED', message, { hint, cause: error })
  }
}

/**
 * An address that gives the folder as it was in a commit, from its own repository; undefined when that is not there any
 * more or does not have the commit.
 */
export async function commitAddress(folder: string, commit: string, signal?: AbortSignal): Promise<string | undefined> {
  const git = (...args: readonly string[]) => runGit({ folder, remote: 'file://', signal }, args)
  try {
    await git('cat-file', '-e', `${commit}^{commit}`)
    const [top = '', prefix = ''] = (await git('rev-parse', '--show-toplevel', '--show-prefix')).split('\n')
    // These mean something in an address.
    if (/[#?\s]/.test(top)) return undefined
    return `file://${top}#${commit}${prefix === '' ? '' : `:${prefix}`}`
  } catch (error) {
    const isGone = error instanceof ShaleError || (error as NodeJS.ErrnoException).code === 'ENOENT'
    if (isGone) return undefined
    throw error
  }
}
