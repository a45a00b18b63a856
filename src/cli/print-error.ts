import { excerpt, printable } from '../dockerfile/excerpt.ts'
import { isErrno, ShaleError, type SourceLocation } from '../error.ts'
import { UsageError } from './usage-error.ts'

/** System errors that users meet, in words; what follows is the path, where there is one. */
const ERRNO: Readonly<Record<string, readonly [message: string, hint: string]>> = {
  ENOSPC: [
    'no space left on the disk',
    'free some: `shale system df` shows what the store holds, `shale system prune` empties it',
  ],
  EDQUOT: ['the disk quota is used up', 'free some: `shale system df` shows what the store holds'],
  EACCES: ['permission denied', 'check who owns the file, or choose another store with --root'],
  EPERM: ['the system does not permit it', 'check who owns the file, or choose another store with --root'],
  EROFS: ['the file system is read-only', 'choose a store on a writable file system with --root'],
  ENOENT: ['no such file or folder', 'check the path'],
  ENOTDIR: ['part of the path is a file, not a folder', 'check the path'],
  EISDIR: ['it is a folder, not a file', 'check the path'],
  EEXIST: ['it exists already', 'remove it or choose another name'],
  EMFILE: ['too many open files', 'raise the limit: ulimit -n'],
  ENFILE: ['too many open files on this machine', 'close other programs'],
  ENOMEM: ['out of memory', 'close other programs'],
  EIO: ['the disk failed to read or write', 'look into the kernel log (dmesg)'],
  ECONNREFUSED: ['the connection was refused', 'check that the server runs and that the name and port are right'],
  ENOTFOUND: ['no such host', 'check the name and the network'],
  ETIMEDOUT: ['no answer in time', 'check the network'],
  ECONNRESET: ['the other side closed the connection', 'try again'],
}

/** An error as the user sees it, lines without the last newline; `debug` adds the stack. */
export function describeError(error: unknown, debug: boolean): string {
  const text = error instanceof UsageError ? `${error.message}\n${error.advice}` : describe(error)
  return debug && error instanceof Error ? `${text}\n\n${stackOf(error)}` : text
}

function describe(error: unknown): string {
  if (error instanceof ShaleError) {
    const { source, hint } = error
    return [
      `ERROR: ${error.message}`,
      ...(source === undefined ? [] : [place(source), excerpt(source)]),
      ...(hint === undefined ? [] : [`hint: ${hint}`]),
    ].join('\n')
  }
  if (isErrno(error)) {
    const [message, hint] = ERRNO[error.code ?? ''] ?? []
    if (message !== undefined) return `ERROR: ${subject(error)}${message}\nhint: ${hint}`
  }
  if (isErrno(error, 'ERR_MODULE_NOT_FOUND')) {
    const [what = 'a module is missing'] = error.message.split(' imported from')
    return `ERROR: Shale is not installed whole: ${what}\nhint: in a checkout run npm ci; else install shale again`
  }
  const message = error instanceof Error ? error.message : String(error)
  return `ERROR: this is a bug in Shale: ${message}\nhint: run it again with --debug and report what it shows`
}

/** `file:line:column`, which terminals and editors open. */
function place({ file, range }: SourceLocation): string {
  return `${printable(file)}:${range.start.line}:${range.start.column}`
}

function subject(error: NodeJS.ErrnoException): string {
  const doing = error.syscall === undefined ? '' : `${error.syscall} `
  if (error.path !== undefined) return `${doing}${JSON.stringify(error.path)}: `
  return doing === '' ? '' : `${doing.trim()}: `
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by: ${stackOf(error.cause)}` : ''
  return `${error.stack ?? error.message}${cause}`
}
