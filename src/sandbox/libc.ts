import os from 'node:os'
import { koffi } from '../koffi.ts'

/*
 * Loads compiled code, so a process imports this module only when it is about to make system calls.
 */

/** A C function that returns -1 and sets errno, or a number of meaning. */
type Call = (...args: readonly unknown[]) => number

type Signature = readonly [symbol: string, ...parameters: string[]]

/** Numbers of system calls without a wrapper in older C libraries; these are the same on every architecture. */
const NR = { openat2: 437, close_range: 436, mount_setattr: 442 } as const

const SIGNATURES = {
  mount: ['mount', 'str', 'str', 'str', 'ulong', 'str'],
  umount2: ['umount2', 'str', 'int'],
  pivot_root: ['pivot_root', 'str', 'str'],
  unshare: ['unshare', 'int'],
  setns: ['setns', 'int', 'int'],
  setsid: ['setsid'],
  sethostname: ['sethostname', 'str', 'size_t'],
  setgroups: ['setgroups', 'size_t', 'void *'],
  setresuid: ['setresuid', 'uint', 'uint', 'uint'],
  setresgid: ['setresgid', 'uint', 'uint', 'uint'],
  prctl: ['prctl', 'int', 'ulong', 'ulong', 'ulong', 'ulong'],
  capset: ['capset', 'void *', 'void *'],
  setrlimit: ['setrlimit', 'int', 'void *'],
  sigprocmask: ['sigprocmask', 'int', 'void *', 'void *'],
  fcntl: ['fcntl', 'int', 'int', 'long'],
  dup2: ['dup2', 'int', 'int'],
  pipe2: ['pipe2', 'void *', 'int'],
  socket: ['socket', 'int', 'int', 'int'],
  ioctl: ['ioctl', 'int', 'ulong', 'void *'],
  ioctlInt: ['ioctl', 'int', 'ulong', 'long'],
  unlockpt: ['unlockpt', 'int'],
  tcgetattr: ['tcgetattr', 'int', 'void *'],
  tcsetattr: ['tcsetattr', 'int', 'int', 'void *'],
  cfmakeraw: ['cfmakeraw', 'void *'],
  umask: ['umask', 'uint'],
  _exit: ['_exit', 'int'],
  execve: ['execve', 'str', 'const char **', 'const char **'],
  openat2: ['syscall', 'long', 'int', 'str', 'void *', 'size_t'],
  close_range: ['syscall', 'long', 'uint', 'uint', 'uint'],
  mount_setattr: ['syscall', 'long', 'int', 'str', 'uint', 'void *', 'size_t'],
  seccomp: ['syscall', 'long', 'uint', 'uint', 'sock_fprog *'],
} as const satisfies Record<string, Signature>

export type LibcFunction = keyof typeof SIGNATURES

/** The symbols of the running program: the C library that Node itself is linked to, glibc or musl. */
const library = koffi.load(null)
/** Source: include/uapi/linux/filter.h. */
koffi.struct('sock_fprog', { len: 'uint16', filter: 'void *' })
const functions = new Map<LibcFunction | 'signal', Call>()

const RESULTS: Readonly<Record<string, string>> = { syscall: 'long', cfmakeraw: 'void' }

function declared(name: LibcFunction): Call {
  const known = functions.get(name)
  if (known !== undefined) return known
  const [symbol, ...parameters] = SIGNATURES[name]
  const made = library.func(symbol, RESULTS[symbol] ?? 'int', [...parameters]) as Call
  functions.set(name, made)
  return made
}

const ERRNO_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(os.constants.errno)
    .map(([name, number]) => [number, name] as const)
    .reverse(),
)

/** The error that node:fs would throw: `code`, `errno`, `syscall`, `path`. */
export function errnoError(errno: number, syscall: string, path?: string): NodeJS.ErrnoException {
  const code = ERRNO_NAMES.get(errno) ?? `E${errno}`
  const at = path === undefined ? '' : ` '${path}'`
  return Object.assign(new Error(`${code}: ${syscall}${at}`), {
    errno: -errno,
    code,
    syscall,
    ...(path === undefined ? {} : { path }),
  })
}

/** Calls the function; throws the errno as an `ErrnoException` that names `path` when it returns a negative number. */
export function call(name: LibcFunction, path: string | undefined, ...args: readonly unknown[]): number {
  const result = declared(name)(...args)
  if (result < 0) throw errnoError(koffi.errno(), name, path)
  return result
}

/** As `call`, for functions of the `syscall(2)` kind. */
export function numbered(name: keyof typeof NR, path: string | undefined, ...args: readonly unknown[]): number {
  return call(name, path, NR[name], ...args)
}

/** Declares everything now, for a process that wants it ready before it is needed. */
export function warmUp(): void {
  for (const name of Object.keys(SIGNATURES) as LibcFunction[]) declared(name)
  signalFunction()
}

function signalFunction(): Call {
  const known = functions.get('signal')
  if (known !== undefined) return known
  const made = library.func('signal', 'void *', ['int', 'intptr_t']) as Call
  functions.set('signal', made)
  return made
}

/** Gives every signal its default action: what a program expects to find when it starts. */
export function resetSignals(): void {
  const signal = signalFunction()
  // 32 and 33 are the C library's own and refused; 9 and 19 cannot be changed.
  for (let number = 1; number <= 64; number++) signal(number, 0)
  // 128 bytes are glibc's sigset_t; the kernel reads the first eight. 2 is SIG_SETMASK.
  call('sigprocmask', undefined, 2, Buffer.alloc(128), null)
}
