import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { isErrno, ShaleError } from '../../error.ts'
import { mountLayers } from '../init/root.ts'
import type { HelperHost } from '../protocol.ts'
import { isPlain, type PlainMount, type PreparedMount, type RunMount } from '../run-request.ts'
import { AT_FDCWD, MS, mount, openPath, RESOLVE, unmountLazily } from '../syscalls.ts'

/** Mounts of a run as every runtime knows them. */
export interface PreparedMounts {
  readonly mounts: readonly PlainMount[]
  /** Takes back what was made for them; idempotent. */
  end(): void
}

/**
 * Mounts what a runtime cannot mount by itself in the helper's own mount namespace, in a folder beside `work`: a helper
 * that is killed leaves no mount. Throws `MOUNT_SOURCE`, `SOCKET_OWNER`.
 */
export async function prepareMounts(
  mounts: readonly RunMount[],
  work: string,
  host: HelperHost,
): Promise<PreparedMounts> {
  if (mounts.every(isPlain)) return { mounts, end: () => {} }
  const ends: (() => void)[] = []
  const end = (): void => {
    // An unmount that fails keeps what comes after it, the removal of the folder, from happening.
    for (const each of ends.splice(0).reverse()) each()
  }
  try {
    const base = mkdtempSync(`${work}-mounts-`)
    ends.push(() => rmSync(base, { recursive: true }))
    const plain: PlainMount[] = []
    for (const [index, each] of mounts.entries()) {
      plain.push(isPlain(each) ? each : await prepare(each, { folder: join(base, String(index)), host, ends }))
    }
    return { mounts: plain, end }
  } catch (error) {
    end()
    throw error
  }
}

interface Room {
  /** For this mount alone; does not exist yet. */
  readonly folder: string
  readonly host: HelperHost
  readonly ends: (() => void)[]
}

async function prepare(mount: PreparedMount, room: Room): Promise<PlainMount> {
  mkdirSync(room.folder)
  const { target } = mount
  switch (mount.kind) {
    case 'socket':
      return { kind: 'bind', target, source: await relaySocket(mount, room) }
    case 'beneath':
      return { kind: 'bind', target, source: bindBeneath(mount.root, mount.path, room), ...access(mount) }
    case 'overlay':
      return {
        kind: 'bind',
        target,
        source: bindBeneath(overlay(mount.lowers, room), mount.path, room),
        ...access(mount),
      }
  }
}

function access({ readonly }: { readonly readonly?: boolean }): { readonly?: boolean } {
  return readonly === undefined ? {} : { readonly }
}

function overlay(lowers: readonly string[], { folder, host, ends }: Room): string {
  const [root, upper, work] = ['root', 'upper', 'work'].map(name => join(folder, name)) as [string, string, string]
  for (const path of [root, upper, work]) mkdirSync(path)
  mountLayers({ lowers, upper, work, userXattr: host.rootless, nodev: true }, root)
  ends.push(() => unmountLazily(root))
  return root
}

/** Binds by a handle, so that nobody who changes the folder meanwhile can lead the mount astray. */
function bindBeneath(root: string, path: string, { folder, ends }: Room): string {
  const fd = openBeneath(root, path)
  try {
    const source = `/proc/self/fd/${fd}`
    const point = join(folder, 'source')
    if (statSync(source).isDirectory()) mkdirSync(point)
    else writeFileSync(point, '')
    mount({ source, target: point, flags: MS.bind | MS.rec })
    ends.push(() => unmountLazily(point))
    return point
  } finally {
    closeSync(fd)
  }
}

function openBeneath(root: string, path: string): number {
  const rootFd = openPath(AT_FDCWD, root, 0)
  try {
    return openPath(rootFd, path === '' ? '.' : path, RESOLVE.inRoot | RESOLVE.noMagiclinks)
  } catch (cause) {
    if (!isErrno(cause, 'ENOENT', 'ENOTDIR', 'ELOOP')) throw cause
    throw new ShaleError('MOUNT_SOURCE', `cannot mount "${path}": it is not in what is mounted`, { cause })
  } finally {
    closeSync(rootFd)
  }
}

/** Sockets' addresses are short, stores' paths need not be: the folder is named by a descriptor. */
async function relaySocket(
  { connect: to, uid, gid, mode }: Extract<PreparedMount, { readonly kind: 'socket' }>,
  { folder, ends }: Room,
): Promise<string> {
  const fd = openSync(folder, 'r')
  const open = new Set<Socket>()
  const server = createServer(client => relay(client, connect(to), open))
  ends.push(() => {
    server.close()
    for (const socket of open) socket.destroy()
    closeSync(fd)
  })
  await listening(server, `/proc/self/fd/${fd}/socket`)
  const path = join(folder, 'socket')
  try {
    chownSync(path, uid, gid)
  } catch (cause) {
    if (!isErrno(cause, 'EINVAL', 'EPERM')) throw cause
    throw new ShaleError(
      'SOCKET_OWNER',
      `cannot give a socket to user ${uid}, group ${gid}: not in this user namespace`,
      {
        hint: 'ordinary users need ranges in /etc/subuid and /etc/subgid, and the package uidmap, for other users',
        cause,
      },
    )
  }
  chmodSync(path, mode)
  return path
}

function listening(server: Server, path: string): Promise<AddressInfo | string | null> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => resolve(server.address()))
  })
}

/** Both ends live as long as both do. */
function relay(one: Socket, other: Socket, open: Set<Socket>): void {
  for (const [socket, peer] of [
    [one, other],
    [other, one],
  ] as const) {
    open.add(socket)
    socket.on('error', () => peer.destroy())
    socket.on('close', () => {
      open.delete(socket)
      peer.destroy()
    })
    socket.pipe(peer)
  }
}
