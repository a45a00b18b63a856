import type { Digest } from '../oci/digest.ts'
import type { ExecutionConfig, HistoryEntry } from '../oci/image-config.ts'
import type { Platform } from '../oci/platform.ts'
import type { LayerRecord } from '../store/types.ts'
import type { BaseImage } from './describe.ts'

/** One layer of a stage's chain. */
export interface ChainLayer {
  readonly record: LayerRecord
  /** From an image's registry or archive: its blob is kept as it came. */
  readonly imported: boolean
  /** How SOURCE_DATE_EPOCH treats the layer's times: those from the context are set, others are clamped. */
  readonly times: 'keep' | 'set' | 'clamp'
  /** Of the step that made it; absent for layers of a base image. */
  readonly key?: Digest | undefined
}

/** What a stage has become after some of its instructions. Every instruction gives a new state. */
export interface StageState {
  readonly platform: Platform
  readonly layers: readonly ChainLayer[]
  /** Digest over the content IDs of all layers: what RUN steps are keyed on. */
  readonly chainId: Digest
  readonly config: ExecutionConfig
  readonly author?: string | undefined
  readonly history: readonly HistoryEntry[]
  /** Declared ARGs that have a value, in the order of their first declaration. */
  readonly args: ReadonlyMap<string, string>
  /** CMD was set in this stage, so ENTRYPOINT leaves it alone. */
  readonly hasOwnCmd: boolean
  /** The base image as named, with its digest, for explaining; `scratch` if there is none. */
  readonly base: string
  /** The base image itself, when there is one. */
  readonly baseImage?: BaseImage | undefined
  /** Step that last changed files, for explaining what came after it. */
  readonly lastChange?: { readonly title: string; readonly ran: boolean } | undefined
}

/** Environment that every Linux image has unless it says otherwise. */
export const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

export const DEFAULT_SHELL = ['/bin/sh', '-c'] as const

/** The value of a variable in `KEY=value` lines. */
export function envValue(env: readonly string[] | undefined, name: string): string | undefined {
  const line = env?.findLast(entry => entry.startsWith(`${name}=`))
  return line?.slice(name.length + 1)
}

/** The list with the variable set, in place if it was there. */
export function setEnv(env: readonly string[], name: string, value: string): readonly string[] {
  const line = `${name}=${value}`
  const known = env.some(entry => entry.startsWith(`${name}=`))
  return known ? env.map(entry => (entry.startsWith(`${name}=`) ? line : entry)) : [...env, line]
}

/** What `$name` means in the stage: ENV beats ARG. */
export function lookupVariable(state: StageState, name: string): string | undefined {
  return envValue(state.config.Env, name) ?? state.args.get(name)
}
