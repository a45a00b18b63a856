import { posix } from 'node:path'
import type { RunInstruction } from '../../dockerfile/instruction.ts'
import { type CacheMount, type Mount, parseMount } from '../../dockerfile/mount.ts'
import { ShaleError } from '../../error.ts'
import type { Ingredient } from '../../store/types.ts'
import type { BuildContext } from '../build-context.ts'
import type { StepPosition } from '../ops/step-position.ts'
import type { StageState } from '../stage-state.ts'
import { type MountInput, mountInput } from './input.ts'

/** A mount of a RUN with its paths resolved and the files known that it shows. */
export interface PlannedMount {
  readonly mount: Mount
  /** Absolute and clean; `''` where the mount has none of its own. */
  readonly target: string
  /** What a bind mount shows, and what a cache mount with `from=` begins with. */
  readonly input?: MountInput | undefined
}

/**
 * The mounts of a RUN whose variables are expanded, in the order in which they are to be made: what lies above first.
 * Throws `DOCKERFILE_MOUNT`, `MOUNT_TARGET`, and the error of a source that is not there.
 */
export async function planMounts(
  context: BuildContext,
  { config }: StageState,
  { mounts }: RunInstruction,
  at: StepPosition,
): Promise<readonly PlannedMount[]> {
  const source = at.info.range === undefined ? undefined : context.plan.dockerfile
  const planned: PlannedMount[] = []
  for (const spec of mounts) {
    const mount = parseMount(spec, value => value, source)
    const target = resolved(mount, config.WorkingDir ?? '/')
    planned.push({ mount, target, input: reads(mount) ? await mountInput(context, mount, at) : undefined })
  }
  return planned.toSorted((a, b) => depth(a.target) - depth(b.target))
}

function reads(mount: Mount): mount is Extract<Mount, { readonly type: 'bind' | 'cache' }> {
  return mount.type === 'bind' || (mount.type === 'cache' && mount.from !== undefined)
}

function resolved({ type, target }: Mount, workdir: string): string {
  if (target === undefined) return ''
  const path = posix.resolve('/', workdir, target)
  if (target !== '' && path !== '/') return path
  throw new ShaleError('MOUNT_TARGET', `invalid mount target ${JSON.stringify(target)}`, {
    hint: `give the ${type} mount a path in the container: target=/path`,
  })
}

function depth(path: string): number {
  return path.split('/').length
}

/** The name under which a cache mount is found again. */
export function cacheIdOf({ id, target }: CacheMount): string {
  return id ?? posix.normalize(target)
}

/** What of the mounts goes into a step's key besides the files that they show. */
export function mountIngredients(planned: readonly PlannedMount[]): readonly Ingredient[] {
  return planned.map(({ mount, target }) => ({ name: `mount ${target || nameOf(mount)}`, value: wordsOf(mount) }))
}

function nameOf(mount: Mount): string {
  return mount.type === 'secret' || mount.type === 'ssh' ? `${mount.type} ${mount.id ?? 'default'}` : mount.type
}

/** No values of secrets, and no names of stages: their files say what matters. */
function wordsOf(mount: Mount): string {
  switch (mount.type) {
    case 'bind':
      return words(mount.type, { rw: !mount.readOnly })
    case 'cache': {
      const { sharing, readOnly: ro, from, source, uid, gid, mode } = mount
      const path = from === undefined ? source : undefined
      return words(mount.type, { id: cacheIdOf(mount), sharing, ro, source: path, uid, gid, mode: octal(mode) })
    }
    case 'tmpfs':
      return words(mount.type, { size: mount.size, ro: mount.readOnly })
    case 'secret': {
      const { id, env, required, uid, gid, mode } = mount
      return words(mount.type, { id, env, required, uid, gid, mode: octal(mode) })
    }
    case 'ssh': {
      const { id, required, uid, gid, mode } = mount
      return words(mount.type, { id: id ?? 'default', required, uid, gid, mode: octal(mode) })
    }
  }
}

function octal(mode: number | undefined): string | undefined {
  return mode?.toString(8)
}

function words(type: string, options: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const given = Object.entries(options).filter(([, value]) => value !== undefined && value !== false)
  return [type, ...given.map(([key, value]) => (value === true ? key : `${key}=${value}`))].join(',')
}
