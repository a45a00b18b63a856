import { constants } from 'node:fs'
import { isErrno } from '../error.ts'
import { call, numbered } from './libc.ts'
import type { TerminalSize } from './run-request.ts'

/** mount(2) flags. Source: include/uapi/linux/mount.h. */
export const MS = {
  rdonly: 1,
  nosuid: 2,
  nodev: 4,
  noexec: 8,
  remount: 32,
  noatime: 1024,
  nodiratime: 2048,
  bind: 4096,
  rec: 16384,
  private: 1 << 18,
  slave: 1 << 19,
  relatime: 1 << 21,
  strictatime: 1 << 24,
} as const

/** Namespaces of unshare(2). Source: include/uapi/linux/sched.h. */
export const CLONE = {
  /** Root and current folder of the thread, which is no namespace. */
  fs: 0x200,
  newns: 0x20000,
  newcgroup: 0x2000000,
  newuts: 0x4000000,
  newipc: 0x8000000,
  newnet: 0x40000000,
} as const

/** How openat2(2) resolves a path. Source: include/uapi/linux/openat2.h. */
export const RESOLVE = { noMagiclinks: 2, noSymlinks: 4, beneath: 8, inRoot: 16 } as const

const O_PATH = 0o10000000
const O_CLOEXEC = 0o2000000
export const AT_FDCWD = -100

const PR = {
  setPdeathsig: 1,
  setKeepcaps: 8,
  capbsetDrop: 24,
  setNoNewPrivs: 38,
  capAmbient: 47,
  capAmbientClearAll: 4,
} as const

export interface MountCall {
  readonly source?: string
  readonly target: string
  readonly type?: string
  readonly flags: number
  readonly data?: string
}

export function mount({ source, target, type, flags, data }: MountCall): void {
  call('mount', target, source ?? null, target, type ?? null, flags, data ?? null)
}

/** Attributes of mount_setattr(2). Source: include/uapi/linux/mount.h. */
export const MOUNT_ATTR = { rdonly: 1, nosuid: 2, nodev: 4, noexec: 8 } as const

/** Sets attributes of a mount, and with `recursive` of every mount below it, leaving all others as they are. */
export function setMountAttributes(target: string, attributes: number, recursive: boolean): void {
  const request = new BigUint64Array([BigInt(attributes), 0n, 0n, 0n])
  try {
    numbered('mount_setattr', target, AT_FDCWD, target, recursive ? 0x8000 : 0, request, request.byteLength)
  } catch (error) {
    if (!isErrno(error, 'ENOSYS')) throw error
    // Before Linux 5.12. The first four MS_ flags have the same values.
    mount({ target, flags: MS.bind | MS.remount | attributes })
  }
}

/** Detaches the mount at once and cleans it up when nothing uses it any more. */
export function unmountLazily(target: string): void {
  call('umount2', target, target, 2)
}

/**
 * Makes the current directory the root and lets go of the old one. Both arguments of pivot_root(2) may be the same
 * folder; the old root then lies on top of it and is detached. Source: pivot_root(2), NOTES.
 */
export function pivotHere(): void {
  call('pivot_root', '.', '.', '.')
  mount({ target: '.', flags: MS.slave | MS.rec })
  unmountLazily('.')
}

/** Leaves the namespaces behind. Only the calling thread does, which is what stays when that thread calls execve. */
export function unshare(flags: number): void {
  call('unshare', undefined, flags)
}

/** Only the calling thread goes there. */
export function enterNamespace(fd: number): void {
  call('setns', undefined, fd, 0)
}

export function setHostname(name: string): void {
  call('sethostname', undefined, name, Buffer.byteLength(name))
}

export function newSession(): void {
  call('setsid', undefined)
}

export function setUmask(mask: number): void {
  call('umask', undefined, mask)
}

export function setGroups(groups: readonly number[]): void {
  call('setgroups', undefined, groups.length, new Uint32Array(groups.length === 0 ? [0] : groups))
}

/** Becomes the user with all three IDs; capabilities of a user other than 0 are gone afterwards. */
export function becomeUser(uid: number, gid: number): void {
  call('setresgid', undefined, gid, gid, gid)
  call('setresuid', undefined, uid, uid, uid)
}

export function dropFromBoundingSet(capability: number): void {
  call('prctl', undefined, PR.capbsetDrop, capability, 0, 0, 0)
}

export function clearAmbient(): void {
  call('prctl', undefined, PR.capAmbient, PR.capAmbientClearAll, 0, 0, 0)
}

/** The permitted capabilities outlive a change of the user until the next execve; the effective ones do not. */
export function keepCapabilities(): void {
  call('prctl', undefined, PR.setKeepcaps, 1, 0, 0, 0)
}

/** seccomp(2) by architecture, and the flags that a profile may name. Source: include/uapi/linux/seccomp.h. */
const NR_SECCOMP: Readonly<Record<string, number>> = { x64: 317, arm64: 277 }
const SECCOMP_SET_MODE_FILTER = 1

/** Filters the system calls of this thread and all that it starts. `program` is an array of `struct sock_filter`. */
export function installFilter(program: Uint8Array, flags: number): void {
  const filter = { len: program.length / 8, filter: program }
  call('seccomp', undefined, NR_SECCOMP[process.arch], SECCOMP_SET_MODE_FILTER, flags, filter)
}

export function setNoNewPrivileges(): void {
  call('prctl', undefined, PR.setNoNewPrivs, 1, 0, 0, 0)
}

/** The kernel sends the signal when the thread that started this process ends. Lost when the user changes. */
export function setParentDeathSignal(signal: number): void {
  call('prctl', undefined, PR.setPdeathsig, signal, 0, 0, 0)
}

export interface CapabilitySets {
  readonly effective: bigint
  readonly permitted: bigint
  readonly inheritable: bigint
}

/** Source: capset(2), version 3: two halves of 32 bits. */
export function setCapabilities({ effective, permitted, inheritable }: CapabilitySets): void {
  const header = new Uint32Array([0x20080522, 0])
  const low = (set: bigint): number => Number(set & 0xffffffffn)
  const high = (set: bigint): number => Number(set >> 32n)
  const sets = [effective, permitted, inheritable]
  call('capset', undefined, header, new Uint32Array([...sets.map(low), ...sets.map(high)]))
}

const RLIMITS = [
  'RLIMIT_CPU',
  'RLIMIT_FSIZE',
  'RLIMIT_DATA',
  'RLIMIT_STACK',
  'RLIMIT_CORE',
  'RLIMIT_RSS',
  'RLIMIT_NPROC',
  'RLIMIT_NOFILE',
  'RLIMIT_MEMLOCK',
  'RLIMIT_AS',
  'RLIMIT_LOCKS',
  'RLIMIT_SIGPENDING',
  'RLIMIT_MSGQUEUE',
  'RLIMIT_NICE',
  'RLIMIT_RTPRIO',
  'RLIMIT_RTTIME',
] as const

export type RlimitName = (typeof RLIMITS)[number]

export function isRlimitName(name: string): name is RlimitName {
  return (RLIMITS as readonly string[]).includes(name)
}

/** `-1` is "unlimited". Raising the hard limit needs CAP_SYS_RESOURCE (EPERM). */
export function setRlimit(name: RlimitName, soft: number, hard: number): void {
  const value = (limit: number): bigint => (limit < 0 ? 0xffffffffffffffffn : BigInt(limit))
  call('setrlimit', name, RLIMITS.indexOf(name), new BigUint64Array([value(soft), value(hard)]))
}

/** A handle on a path (O_PATH), resolved by openat2(2). The caller closes it. */
export function openPath(directory: number, path: string, resolve: number): number {
  const how = new BigUint64Array([BigInt(O_PATH | O_CLOEXEC), 0n, BigInt(resolve)])
  return numbered('openat2', path, directory, path, how, how.byteLength)
}

/** `[read, write]`, both closed on exec. */
export function pipe(): readonly [read: number, write: number] {
  const ends = new Int32Array(2)
  call('pipe2', undefined, ends, O_CLOEXEC)
  return [ends[0] as number, ends[1] as number]
}

/** Close-on-exec and O_NONBLOCK off: how a program expects its standard streams. */
export function plainDescriptor(fd: number): void {
  call('fcntl', undefined, fd, 2, 0)
  const flags = call('fcntl', undefined, fd, 3, 0)
  if ((flags & constants.O_NONBLOCK) !== 0) call('fcntl', undefined, fd, 4, flags & ~constants.O_NONBLOCK)
}

export function closeOnExecFrom(first: number): void {
  // 4 is CLOSE_RANGE_CLOEXEC.
  numbered('close_range', undefined, first, 0xffffffff, 4)
}

export function duplicateTo(fd: number, target: number): void {
  call('dup2', undefined, fd, target)
}

/** Lets the terminal of which this is the controlling end be opened. */
export function unlockTerminal(master: number): void {
  call('unlockpt', undefined, master)
}

/** The number of a terminal in its devpts, from its controlling end. Source: ioctl_tty(2). */
export function terminalNumber(master: number): number {
  const number = new Uint32Array(1)
  call('ioctl', undefined, master, process.arch === 'ppc64' ? 0x40045430 : 0x80045430, number)
  return number[0] as number
}

/** The other end of a terminal, without a path that somebody could have put something else at. */
export function openTerminalPeer(master: number): number {
  const O_RDWR_NOCTTY_CLOEXEC = constants.O_RDWR | constants.O_NOCTTY | O_CLOEXEC
  return call('ioctlInt', undefined, master, process.arch === 'ppc64' ? 0x20005441 : 0x5441, O_RDWR_NOCTTY_CLOEXEC)
}

/** Whoever is in the foreground there is told (SIGWINCH). Source: ioctl_tty(2). */
export function setWindowSize(terminal: number, { rows, columns }: TerminalSize): void {
  const TIOCSWINSZ = process.arch === 'ppc64' ? 0x80087467 : 0x5414
  call('ioctl', undefined, terminal, TIOCSWINSZ, new Uint16Array([rows, columns, 0, 0]))
}

/** Brings the loopback interface of the current network namespace up. Source: netdevice(7). */
export function bringLoopbackUp(): number {
  const AF_INET = 2
  const SOCK_DGRAM_CLOEXEC = 2 | O_CLOEXEC
  const SIOCSIFFLAGS = 0x8914
  const IFF_UP_RUNNING = 0x41
  const socket = call('socket', undefined, AF_INET, SOCK_DGRAM_CLOEXEC, 0)
  const request = Buffer.alloc(40)
  request.write('lo')
  request.writeUInt16LE(IFF_UP_RUNNING, 16)
  call('ioctl', 'lo', socket, SIOCSIFFLAGS, request)
  return socket
}

/** Ends this process at once, without what Node does at its end. */
export function exitNow(code: number): never {
  call('_exit', undefined, code)
  throw new Error('_exit returned')
}

/** Replaces this process; returns only by throwing. */
export function execve(path: string, args: readonly string[], env: readonly string[]): never {
  call('execve', path, path, [...args, null], [...env, null])
  throw new Error('execve returned')
}
