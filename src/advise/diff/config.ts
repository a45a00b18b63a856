import { isDeepStrictEqual } from 'node:util'
import type { ExecutionConfig, ImageConfig } from '../../oci/image-config.ts'

/** A setting that two images have differently; undefined on the side that lacks it. */
export interface ConfigChange {
  /** `Cmd`, `Env PATH`, `Labels version`. */
  readonly name: string
  readonly before: unknown
  readonly after: unknown
}

/** Settings of images that say what runs and how, not when and from what the image was made. */
export function configChanges(a: ImageConfig, b: ImageConfig): readonly ConfigChange[] {
  const [before, after] = [settingsOf(a), settingsOf(b)]
  const names = [...new Set([...before.keys(), ...after.keys()])].sort()
  return names
    .map(name => ({ name, before: before.get(name), after: after.get(name) }))
    .filter(change => !isDeepStrictEqual(change.before, change.after))
}

function settingsOf({ os, architecture, variant, config = {} }: ImageConfig): ReadonlyMap<string, unknown> {
  const { Env = [], Labels = {}, ExposedPorts = {}, Volumes = {}, ...rest } = config
  const plain: Omit<ExecutionConfig, 'Env' | 'Labels' | 'ExposedPorts' | 'Volumes'> = rest
  const env = Env.map(line => [`Env ${line.split('=', 1)[0]}`, line.slice(line.indexOf('=') + 1)] as const)
  const all: readonly (readonly [string, unknown])[] = [
    ['Platform', [os, architecture, variant].filter(part => part !== undefined).join('/')],
    ...Object.entries(plain),
    ...env,
    ...Object.entries(Labels).map(([name, value]) => [`Labels ${name}`, value] as const),
    ['ExposedPorts', Object.keys(ExposedPorts).sort()],
    ['Volumes', Object.keys(Volumes).sort()],
  ]
  return new Map(all.filter(([, value]) => !isNothing(value)))
}

/** What is not set and what is set to nothing is the same to a container. */
function isNothing(value: unknown): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0)
}
