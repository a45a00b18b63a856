import { accessSync, constants, statSync } from 'node:fs'
import { isErrno } from '../../error.ts'
import { execve } from '../syscalls.ts'

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The command could not be started; `message` is worded as Docker words it. */
export class StartError extends Error {
  readonly exitCode: number

  constructor(exitCode: number, message: string) {
    super(message)
    this.exitCode = exitCode
  }
}

/** Becomes the command, which is looked up in the PATH of its own environment. Throws `StartError`. */
export function becomeCommand(args: readonly string[], env: readonly string[]): never {
  const name = args[0]
  if (name === undefined || name === '') throw new StartError(127, 'exec: no command given')
  const path = name.includes('/') ? named(name) : found(name, searchPath(env))
  try {
    return execve(path, args, env)
  } catch (error) {
    if (!isErrno(error)) throw error
    const words = WORDS[error.code ?? ''] ?? error.message
    throw new StartError(error.code === 'ENOENT' ? 127 : 126, `exec ${path}: ${words}`)
  }
}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory (the interpreter or loader that it names is missing)',
  ENOEXEC: 'exec format error',
  EACCES: 'permission denied',
  E2BIG: 'argument list too long',
}

function searchPath(env: readonly string[]): string {
  return env.findLast(pair => pair.startsWith('PATH='))?.slice('PATH='.length) ?? DEFAULT_PATH
}

function named(name: string): string {
  switch (state(name)) {
    case 'executable':
      return name
    case 'missing':
      throw new StartError(127, `exec: "${name}": stat ${name}: no such file or directory`)
    case 'directory':
      throw new StartError(126, `exec: "${name}": is a directory`)
    case 'forbidden':
      throw new StartError(126, `exec: "${name}": permission denied`)
  }
}

function found(name: string, path: string): string {
  const candidates = path.split(':').map(folder => `${folder === '' ? '.' : folder}/${name}`)
  const states = candidates.map(state)
  const index = states.indexOf('executable')
  if (index >= 0) return candidates[index] as string
  if (states.includes('forbidden')) throw new StartError(126, `exec: "${name}": permission denied`)
  throw new StartError(127, `exec: "${name}": executable file not found in $PATH`)
}

function state(path: string): 'executable' | 'missing' | 'directory' | 'forbidden' {
  try {
    if (statSync(path).isDirectory()) return 'directory'
    accessSync(path, constants.X_OK)
    return 'executable'
  } catch (error) {
    return isErrno(error, 'EACCES', 'EPERM') ? 'forbidden' : 'missing'
  }
}
