import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { isErrno, ShaleError } from '../../error.ts'
import { toByteString } from '../../layer/entry.ts'
import { getXattr, listXattrs, setTimesOfPath, setXattr } from '../../layer/fs-calls.ts'
import { MS, mount, unmountLazily } from '../syscalls.ts'
import type { OverlayPlan } from './input.ts'
import { resolveInRoot } from './resolve.ts'

/** A path that something will be mounted on. */
export interface Target {
  readonly path: string
  readonly kind: 'directory' | 'file'
}

/** The folders in memory that a container is put together in; they go with its mount namespace. */
export interface Scratch {
  /** Mount point of the root file system. */
  readonly root: string
  /** Made-up mount points: the topmost lower layer, so that none of them reaches the upper folder. */
  readonly stubs: string
  readonly files: string
  readonly blank: string
}

/** A file system in memory inside the overlay's work folder, where it needs no cleaning up. */
export function makeScratch(work: string): Scratch {
  const base = `${work}/mnt`
  mkdirSync(base, { recursive: true })
  mount({ source: 'tmpfs', target: base, type: 'tmpfs', flags: MS.nosuid | MS.nodev, data: 'mode=700' })
  const scratch = {
    root: `${base}/root`,
    stubs: `${base}/stubs`,
    files: `${base}/files`,
    blank: `${base}/blank`,
  }
  for (const folder of Object.values(scratch)) mkdirSync(folder)
  return scratch
}

/**
 * Mounts the root file system with a mount point for each target. Targets that neither exist nor lie below another
 * target get one in a lower layer of their own. So what the command changes, and nothing else, is in the upper folder.
 */
export function mountRoot(plan: OverlayPlan, scratch: Scratch, targets: readonly Target[]): void {
  takeOverRootAttributes(plan)
  mountOverlay(plan, scratch.root, [])
  const missing = missingTargets(scratch.root, targets)
  if (missing.length === 0) return
  const parents = new Map<string, bigint>()
  for (const target of missing) makeStub(scratch, target, parents)
  // Times last: making what is inside has changed them.
  for (const [path, mtimeNs] of parents) setTimes(path, mtimeNs)
  unmountLazily(scratch.root)
  mountOverlay(plan, scratch.root, [scratch.stubs])
}

/** Mounts the layers alone, in whatever process this is. */
export function mountLayers(plan: OverlayPlan, target: string): void {
  const folder = process.cwd()
  try {
    takeOverRootAttributes(plan)
    mountOverlay(plan, target, [])
  } finally {
    process.chdir(folder)
  }
}

/** A merged root directory shows the upper folder's attributes, so these have to be the image's. */
function takeOverRootAttributes({ lowers, upper }: OverlayPlan): void {
  const top = lowers.at(-1)
  if (top === undefined || readdirSync(upper).length > 0) return
  const attributes = lstatSync(top, { bigint: true })
  chownSync(upper, Number(attributes.uid), Number(attributes.gid))
  chmodSync(upper, Number(attributes.mode & 0o7777n))
  setTimes(upper, attributes.mtimeNs)
}

function setTimes(path: string, ns: bigint): void {
  const seconds = (ns - (((ns % BILLION) + BILLION) % BILLION)) / BILLION
  setTimesOfPath(toByteString(path), Number(seconds), Number(ns - seconds * BILLION))
}

const BILLION = 1_000_000_000n

/** Access lists and the like; what the file system in memory cannot have is left out. */
function copyXattrs(from: string, to: string): void {
  const source = toByteString(from)
  for (const name of listXattrs(source)) {
    const value = /^(trusted|user)\.overlay\./.test(name) ? undefined : getXattr(source, name)
    if (value === undefined) continue
    try {
      setXattr(toByteString(to), name, value)
    } catch (error) {
      if (!isErrno(error, 'ENOTSUP', 'EOPNOTSUPP', 'EPERM')) throw error
    }
  }
}

function mountOverlay(plan: OverlayPlan, target: string, topmost: readonly string[]): void {
  const folder = commonFolder(plan.lowers)
  // Names relative to where the trees are: mount(2) takes one page of options, and 127 layers have to fit.
  process.chdir(folder)
  const relative = plan.lowers.map(lower => (folder === '/' ? lower : lower.slice(folder.length + 1)))
  const lowers = [...topmost, ...relative.reverse()].map(escaped)
  const options = [
    `lowerdir=${lowers.join(':')}`,
    `upperdir=${escaped(plan.upper)}`,
    `workdir=${escaped(plan.work)}`,
    // Without these the upper folder would refer to lower layers instead of holding what has changed. `userxattr` does
    // not go with `off`; `nofollow` makes no redirects either.
    plan.userXattr
      ? 'userxattr,redirect_dir=nofollow,metacopy=off,index=off'
      : 'redirect_dir=off,metacopy=off,index=off',
  ]
  try {
    mount({ source: 'overlay', target, type: 'overlay', flags: plan.nodev ? MS.nodev : 0, data: options.join(',') })
  } catch (error) {
    throw overlayRefused(plan, error as NodeJS.ErrnoException)
  }
}

function overlayRefused({ lowers, upper, userXattr }: OverlayPlan, cause: NodeJS.ErrnoException): ShaleError {
  const needs = userXattr ? 'Linux 5.11 or newer, for ordinary users' : 'CAP_SYS_ADMIN'
  return new ShaleError(
    'OVERLAY_MOUNT',
    `cannot mount an overlay of ${lowers.length} layers with ${upper} on top: ${cause.code}`,
    {
      hint: `the store must be on a file system that overlayfs can write to (ext4, xfs, btrfs, tmpfs; not on another overlay, as inside of a container: use a volume); it also needs ${needs}`,
      cause,
    },
  )
}

/** The deepest folder that holds all of the paths. */
function commonFolder(paths: readonly string[]): string {
  let folder = dirname(paths[0] ?? '/')
  while (folder !== '/' && !paths.every(path => path.startsWith(`${folder}/`))) folder = dirname(folder)
  return folder
}

/** Overlayfs takes `:` and `,` as separators. */
function escaped(path: string): string {
  return path.replace(/[\\:,]/g, '\\$&')
}

function missingTargets(root: string, targets: readonly Target[]): readonly (Target & { readonly existing: number })[] {
  const covered: string[] = []
  return targets.flatMap(({ path, kind }) => {
    const resolved = resolveInRoot(root, path)
    if (covered.some(above => resolved.path.startsWith(`${above}/`))) return []
    covered.push(resolved.path)
    const depth = resolved.path.split('/').length
    return resolved.existing === depth || resolved.path === ''
      ? []
      : [{ path: resolved.path, kind, existing: resolved.existing }]
  })
}

/** Makes the target in the stub layer; directories that the image has keep its attributes, for they cover it. */
function makeStub(
  { root, stubs }: Scratch,
  target: Target & { readonly existing: number },
  parents: Map<string, bigint>,
): void {
  const names = target.path.split('/')
  for (let depth = 1; depth < names.length || (depth === names.length && target.kind === 'directory'); depth++) {
    const path = names.slice(0, depth).join('/')
    const stub = `${stubs}/${path}`
    if (parents.has(stub) || lstatSync(stub, { throwIfNoEntry: false }) !== undefined) continue
    mkdirSync(stub, { mode: 0o755 })
    if (depth > target.existing) continue
    const attributes = lstatSync(`${root}/${path}`, { bigint: true })
    chownSync(stub, Number(attributes.uid), Number(attributes.gid))
    chmodSync(stub, Number(attributes.mode & 0o7777n))
    copyXattrs(`${root}/${path}`, stub)
    parents.set(stub, attributes.mtimeNs)
  }
  if (target.kind === 'file') writeFileSync(`${stubs}/${target.path}`, '', { flag: 'a', mode: 0o644 })
}
