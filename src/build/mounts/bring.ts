import type { SshMount, TmpfsMount } from '../../dockerfile/mount.ts'
import { ShaleError } from '../../error.ts'
import { fromByteString } from '../../layer/entry.ts'
import { EMPTY_TOC } from '../../layer/toc.ts'
import type { RunMount } from '../../sandbox/run-request.ts'
import type { BuildContext } from '../build-context.ts'
import type { StepPosition } from '../ops/step-position.ts'
import { acquireCaches } from './caches.ts'
import type { MountInput } from './input.ts'
import type { PlannedMount } from './plan.ts'
import { readSecret, secretMounts } from './secrets.ts'

/** Everything that a step's mounts come to when it runs. */
export interface BroughtMounts {
  readonly mounts: readonly RunMount[]
  /** Variables on top of the step's own. */
  readonly env: readonly string[]
  /** Values that must not show in the output. */
  readonly secrets: readonly Buffer[]
  /** Lets go of the caches; idempotent. */
  end(): void
}

/** Throws `SECRET_NOT_FOUND`, `SSH_NOT_FOUND`, `CACHE_SOURCE`. Waits for caches that others have locked. */
export async function bringMounts(
  context: BuildContext,
  planned: readonly PlannedMount[],
  at: StepPosition,
): Promise<BroughtMounts> {
  const mounts: RunMount[] = []
  const env: string[] = []
  const secrets: Buffer[] = []
  let sockets = 0
  const caches = await acquireCaches(context, planned, at)
  try {
    for (const each of planned) {
      const { mount, target } = each
      switch (mount.type) {
        case 'bind':
          mounts.push(await bindMount(context, each.input as MountInput, target, mount.readOnly))
          break
        case 'cache':
          mounts.push(caches.mount(each))
          break
        case 'tmpfs':
          mounts.push(tmpfsMount(mount, target))
          break
        case 'secret': {
          const value = readSecret(context.options.secrets ?? [], mount)
          if (value === undefined) break
          secrets.push(value)
          mounts.push(...secretMounts(mount, target, value))
          if (mount.env !== undefined) env.push(`${mount.env}=${value.toString('utf8')}`)
          break
        }
        case 'ssh': {
          const socket = agentMount(context, mount, target || `/run/buildkit/ssh_agent.${sockets}`)
          if (socket === undefined) break
          if (sockets++ === 0) env.push(`SSH_AUTH_SOCK=${socket.target}`)
          mounts.push(socket)
          break
        }
      }
    }
    return { mounts, env, secrets, end: caches.release }
  } catch (error) {
    caches.release()
    throw error
  }
}

/** Layers are laid over each other, what has none is written out. */
async function bindMount(
  { layers, mountTrees }: BuildContext,
  input: MountInput,
  target: string,
  readonly: boolean,
): Promise<RunMount> {
  const { chain } = input
  const trees = chain && (await layers.trees(chain.layers))
  if (chain !== undefined && trees !== undefined) {
    const lowers = trees.length > 0 ? trees : [await mountTrees.tree({ toc: EMPTY_TOC, planned: [] })]
    return { kind: 'overlay', lowers, path: fromByteString(chain.path), target, readonly }
  }
  const root = await mountTrees.tree(input)
  const place = { path: input.path, target, readonly }
  return readonly ? { kind: 'beneath', root, ...place } : { kind: 'overlay', lowers: [root], ...place }
}

function tmpfsMount({ size, readOnly }: TmpfsMount, target: string): RunMount {
  return { kind: 'tmpfs', target, readonly: readOnly, ...(size !== undefined && { size }) }
}

function agentMount(
  { options }: BuildContext,
  { id = 'default', required, uid = 0, gid = 0, mode = 0o600 }: SshMount,
  target: string,
): Extract<RunMount, { readonly kind: 'socket' }> | undefined {
  const agent = (options.ssh ?? []).find(each => each.id === id)
  if (agent !== undefined) return { kind: 'socket', connect: agent.socket, target, mode, uid, gid }
  if (!required) return undefined
  throw new ShaleError(
    'SSH_NOT_FOUND',
    `ssh agent ${id}: not found: the step requires it, and the build was given none`,
    {
      hint: `build with --ssh ${id}`,
    },
  )
}
