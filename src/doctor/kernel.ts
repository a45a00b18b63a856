import { execFile } from 'node:child_process'
import { accessSync, chmodSync, constants, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ShaleError } from '../error.ts'
import { enforcedSecurity } from '../sandbox/enforced.ts'
import { openHelper } from '../sandbox/helper.ts'
import { userNamespace } from '../sandbox/identity.ts'
import type { Check, DoctorRequest } from './check.ts'
import { findProgram } from './programs.ts'

const execute = promisify(execFile)

/** Makes the namespaces that a RUN has, which is the only sure way to tell. */
export async function checkNamespaces({ root }: DoctorRequest): Promise<readonly Check[]> {
  if (!existsSync(root)) return []
  try {
    const helper = await openHelper({ root, separate: true })
    const { rootless } = helper
    await helper.close()
    const message = rootless ? 'user, mount and PID namespaces can be made' : 'mount and PID namespaces can be made'
    return [{ name: 'namespaces', status: 'ok', message }]
  } catch (error) {
    if (!(error instanceof ShaleError)) throw error
    return [{ name: 'namespaces', status: 'missing', message: error.message, advice: error.hint }]
  }
}

/** Mounts an overlay on the store's file system, in a namespace that ends with it. */
export async function checkOverlay({ root, env, signal }: DoctorRequest): Promise<readonly Check[]> {
  if (!existsSync(root) || findProgram('mount', env) === undefined || findProgram('unshare', env) === undefined)
    return []
  const folder = mkdtempSync(join(root, 'tmp', 'doctor-'))
  try {
    for (const name of ['lower', 'upper', 'work', 'merged']) mkdirSync(join(folder, name))
    const isRoot = process.geteuid?.() === 0
    const options = `lowerdir=lower,upperdir=upper,workdir=work${isRoot && userNamespace().kind === 'host' ? '' : ',userxattr'}`
    const inside = ['--mount', ...(isRoot ? [] : ['--user', '--map-root-user'])]
    const script = `mount -t overlay overlay -o ${options} merged && echo x > merged/file`
    await execute('unshare', [...inside, 'sh', '-c', script], { cwd: folder, signal, timeout: 10_000 })
    return [{ name: 'overlay', status: 'ok', message: 'layers can be mounted on the store’s file system' }]
  } catch (error) {
    return [overlayMissing(error)]
  } finally {
    // The kernel makes it without any permission.
    const inner = join(folder, 'work/work')
    if (existsSync(inner)) chmodSync(inner, 0o700)
    rmSync(folder, { recursive: true, force: true })
  }
}

function overlayMissing(error: unknown): Check {
  const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n')[0] : undefined
  const known = readOptional('/proc/filesystems').includes('\toverlay\n')
  const advice = known
    ? 'choose a store on ext4, xfs, btrfs or tmpfs with --root (not on an overlay or a network file system); as an ordinary user it takes Linux 5.11'
    : 'load the kernel module: modprobe overlay'
  const message = `layers cannot be mounted, so that RUN and run do not work: ${said || 'overlay is refused'}`
  return { name: 'overlay', status: 'missing', message, advice }
}

export function checkSeccomp(): readonly Check[] {
  if (enforcedSecurity().some(option => option.startsWith('name=seccomp'))) {
    return [{ name: 'seccomp', status: 'ok', message: 'system calls are filtered as by Docker’s default profile' }]
  }
  const message = 'system calls are not filtered on this machine'
  return [
    {
      name: 'seccomp',
      status: 'limited',
      message,
      advice: 'it takes a kernel with CONFIG_SECCOMP_FILTER on amd64 or arm64',
    },
  ]
}

/** Resource limits need a group of the unified hierarchy that is ours to divide. */
export function checkCgroups(): readonly Check[] {
  const name = 'cgroups'
  const controllers = '/sys/fs/cgroup/cgroup.controllers'
  if (!existsSync(controllers)) {
    const hybrid = existsSync('/sys/fs/cgroup/unified')
    const message = `${hybrid ? 'hybrid (v1 with v2 beside it)' : existsSync('/sys/fs/cgroup') ? 'v1' : 'not mounted'}`
    const advice = 'boot with systemd.unified_cgroup_hierarchy=1 for limits of memory and CPU'
    return [{ name, status: 'limited', message, advice }]
  }
  const own =
    readOptional('/proc/self/cgroup')
      .split('\n')
      .find(line => line.startsWith('0::'))
      ?.slice(3) ?? '/'
  const folder = join('/sys/fs/cgroup', own)
  try {
    accessSync(existsSync(folder) ? folder : '/sys/fs/cgroup', constants.W_OK)
    return [{ name, status: 'ok', message: `v2, with ${readOptional(controllers).trim() || 'no controllers'}` }]
  } catch {
    const message = `v2, but ${own} is not ours to divide: limits of memory and CPU cannot be set`
    const advice = 'start Shale in a group of its own: systemd-run --user --scope -p Delegate=yes shale …'
    return [{ name, status: 'limited', message, advice }]
  }
}

function readOptional(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
