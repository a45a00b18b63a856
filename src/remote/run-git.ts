import { execFile } from 'node:child_process'
import { isErrno, ShaleError } from '../error.ts'

const MAX_OUTPUT = 16 * 1024 * 1024

/** Programs that a repository or the user's settings name have no business in a build, nor have line-end conversions. */
const SETTINGS = [
  'core.fsmonitor=false',
  'core.hooksPath=/dev/null',
  'core.autocrlf=false',
  'advice.detachedHead=false',
]

/** What git and ssh need of the caller's environment; git's own variables would name another repository. */
const KEPT =
  /^(?:PATH|HOME|XDG_CONFIG_HOME|SSH_AUTH_SOCK|GIT_SSH|GIT_SSH_COMMAND|GIT_SSL_\w+|SSL_CERT_\w+|(?:HTTPS?|ALL|NO)_PROXY)$/i

export interface GitCall {
  /** Where it runs. */
  readonly folder: string
  /** The repository that is talked to: only a local one may be read with `file://`. */
  readonly remote: string
  readonly signal?: AbortSignal | undefined
}

/**
 * Runs git and gives what it printed. It asks nothing, runs no hooks and takes no transport that runs programs. Throws
 * `GIT_MISSING`, and `GIT_FAILED` with git's own last words.
 */
export function runGit({ folder, remote, signal }: GitCall, args: readonly string[]): Promise<string> {
  const env = {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => KEPT.test(name))),
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    // Reading a user's repository writes nothing there, not even a newer index.
    GIT_OPTIONAL_LOCKS: '0',
    GIT_SSH_COMMAND: process.env.GIT_SSH_COMMAND ?? 'ssh -o BatchMode=yes',
    GIT_ALLOW_PROTOCOL: remote.startsWith('file://') ? 'file' : 'https:http:ssh:git',
  }
  const settings = SETTINGS.flatMap(setting => ['-c', setting])
  const options = { cwd: folder, env, maxBuffer: MAX_OUTPUT, ...(signal && { signal }) }
  return new Promise((resolve, reject) => {
    const child = execFile('git', [...settings, ...args], options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else if (signal?.aborted) reject(signal.reason)
      else if (isErrno(error, 'ENOENT')) reject(gitMissing(error))
      else reject(gitFailed(args, stderr, error))
    })
    child.stdin?.end()
  })
}

function gitMissing(cause: Error): ShaleError {
  return new ShaleError('GIT_MISSING', 'sources from git need the program git, which is not installed', {
    cause,
    hint: 'install the package git',
  })
}

/** git's words may hold the address, and that a password. */
function gitFailed(args: readonly string[], stderr: string, cause: Error): ShaleError {
  const words = stderr
    .split('\n')
    .filter(line => line.trim() !== '')
    .slice(-3)
    .join('; ')
    .replace(/([a-z+]+:\/\/)[^/@\s]*@/gi, '$1')
  return new ShaleError('GIT_FAILED', `git ${args[0]} failed: ${words || 'it said nothing'}`, {
    cause: new Error(cause.name),
  })
}
