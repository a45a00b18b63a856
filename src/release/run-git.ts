import { execFile } from 'node:child_process'
import { isErrno, ShaleError } from '../error.ts'

const MAX_OUTPUT = 64 * 1024 * 1024

/** Settings of a repository may name programs that git starts, and hooks; none of that is wanted to read its state. */
const SETTINGS = ['-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null', '-c', 'core.quotePath=false']

/** What git needs of the caller's environment: its own variables (GIT_DIR, GIT_INDEX_FILE) would name another repository. */
const KEPT = ['PATH', 'HOME', 'XDG_CONFIG_HOME']

export type GitAnswer =
  | { readonly kind: 'ok'; readonly stdout: string }
  /** git ended with this code, having said this. */
  | { readonly kind: 'failed'; readonly code: number; readonly stderr: string }
  /** There is no git on this machine. */
  | { readonly kind: 'absent' }

/** Runs git in a folder with these arguments and a clean environment; it takes no locks and asks nothing. */
export function runGit(folder: string, args: readonly string[]): Promise<GitAnswer> {
  const env = Object.fromEntries(
    KEPT.flatMap(name => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  )
  const options = {
    cwd: folder,
    maxBuffer: MAX_OUTPUT,
    env: { ...env, LC_ALL: 'C', GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0' },
  }
  return new Promise((resolve, reject) => {
    const child = execFile('git', [...SETTINGS, ...args], options, (error, stdout, stderr) => {
      if (error === null) return resolve({ kind: 'ok', stdout })
      if (typeof error.code === 'number') return resolve({ kind: 'failed', code: error.code, stderr })
      if (isErrno(error, 'ENOENT')) return resolve({ kind: 'absent' })
      reject(new ShaleError('GIT_FAILED', `git ${args[0]} did not end well: ${error.message}`, { cause: error }))
    })
    child.stdin?.end()
  })
}
