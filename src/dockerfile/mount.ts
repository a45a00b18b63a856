import { located, type SourceFile } from './failure.ts'
import type { MountOption, MountSpec } from './instruction.ts'
import { boolean, fail, suggest } from './mount-spec.ts'

/** What a RUN instruction mounts. Paths are as written: relative targets are the builder's to resolve. */
export type Mount = BindMount | CacheMount | TmpfsMount | SecretMount | SshMount

export interface BindMount {
  readonly type: 'bind'
  /** A stage, named context or image; the build context if undefined. */
  readonly from?: string | undefined
  readonly source?: string | undefined
  readonly target: string
  readonly readOnly: boolean
}

/** Owner and mode of what is mounted, where the kind of mount has them. */
interface Ownership {
  readonly uid?: number | undefined
  readonly gid?: number | undefined
  readonly mode?: number | undefined
}

export interface CacheMount extends Ownership {
  readonly type: 'cache'
  /** The target if undefined. */
  readonly id?: string | undefined
  readonly from?: string | undefined
  readonly source?: string | undefined
  readonly target: string
  readonly sharing: 'shared' | 'private' | 'locked'
  readonly readOnly: boolean
}

export interface TmpfsMount {
  readonly type: 'tmpfs'
  readonly target: string
  /** In bytes; no limit of its own if undefined. */
  readonly size?: number | undefined
  readonly readOnly: boolean
}

export interface SecretMount extends Ownership {
  readonly type: 'secret'
  /** From `id`, else `source`, else the last part of the target. */
  readonly id: string
  readonly target?: string | undefined
  /** Name of the variable to hold the secret. */
  readonly env?: string | undefined
  readonly required: boolean
}

export interface SshMount extends Ownership {
  readonly type: 'ssh'
  readonly id?: string | undefined
  readonly target?: string | undefined
  readonly required: boolean
}

type MountType = Mount['type']
const TYPES: readonly MountType[] = ['bind', 'cache', 'tmpfs', 'secret', 'ssh']
const SHARING = ['shared', 'private', 'locked'] as const

/** Every key by the name that stands for it. */
const KEYS: Readonly<Record<string, string>> = {
  type: 'type',
  from: 'from',
  source: 'source',
  src: 'source',
  target: 'target',
  dst: 'target',
  destination: 'target',
  readonly: 'readonly',
  ro: 'readonly',
  readwrite: 'readwrite',
  rw: 'readwrite',
  id: 'id',
  sharing: 'sharing',
  required: 'required',
  size: 'size',
  mode: 'mode',
  uid: 'uid',
  gid: 'gid',
  env: 'env',
}
const BARE: ReadonlySet<string> = new Set(['readonly', 'readwrite', 'required'])

/** The options of a mount by their full names, values expanded. */
type Options = ReadonlyMap<string, MountOption>

function collect(spec: MountSpec, expand: (value: string) => string): Options {
  const options = new Map<string, MountOption>()
  for (const option of spec.options) {
    const name = Object.hasOwn(KEYS, option.key) ? KEYS[option.key] : undefined
    if (option.value === undefined && (name === undefined || !BARE.has(name))) {
      fail(option, `invalid field '${option.text}' must be a key=value pair`, suggest(option.key, [...BARE]))
    }
    if (name === undefined) {
      fail(option, `unexpected key '${option.key}' in '${option.text}'`, suggest(option.key, Object.keys(KEYS)))
    }
    // The later of `ro` and `rw` counts.
    if (name === 'readonly') options.delete('readwrite')
    if (name === 'readwrite') options.delete('readonly')
    options.set(name, option.value === undefined ? option : { ...option, value: expand(option.value) })
  }
  return options
}

function number(option: MountOption | undefined, radix: 8 | 10): number | undefined {
  if (option === undefined) return undefined
  const value = option.value ?? ''
  const digits = radix === 8 ? /^[0-7]+$/ : /^\d+$/
  const parsed = digits.test(value) ? Number.parseInt(value, radix) : Number.NaN
  return parsed <= 0xffff_ffff ? parsed : fail(option, `invalid value ${value} for ${option.key}`)
}

const SIZE = /^(\d+(?:\.\d+)?) ?([kKmMgGtTpP])?(?:[iI]?[bB])?$/

/** A size in bytes such as `128m`, units of 1024. */
function size(option: MountOption | undefined): number | undefined {
  if (option === undefined) return undefined
  const match = SIZE.exec(option.value ?? '')
  if (match === null) return fail(option, `invalid value for ${option.key}: ${option.value}`, 'write for example 128m')
  const power = match[2] === undefined ? 0 : 'kmgtp'.indexOf(match[2].toLowerCase()) + 1
  return Math.trunc(Number(match[1]) * 1024 ** power)
}

function typeOf(option: MountOption | undefined): MountType {
  if (option === undefined) return 'bind'
  const written = option.value ?? ''
  const type = TYPES.find(known => known === written.toLowerCase())
  return type ?? fail(option, `unsupported mount type "${written}"`, suggest(written, TYPES))
}

/** The keys that only some types of mount have. */
const ONLY: Readonly<Record<string, readonly MountType[]>> = {
  required: ['secret', 'ssh'],
  size: ['tmpfs'],
  env: ['secret'],
  mode: ['secret', 'ssh', 'cache'],
  uid: ['secret', 'ssh', 'cache'],
  gid: ['secret', 'ssh', 'cache'],
  sharing: ['cache'],
}

function checkKeys(type: MountType, options: Options): void {
  for (const [key, types] of Object.entries(ONLY)) {
    const option = options.get(key)
    if (option === undefined || types.includes(type)) continue
    if (key === 'sharing') {
      fail(
        option,
        type === 'secret' ? 'secret mount should not define sharing' : `invalid cache sharing set for ${type} mount`,
      )
    }
    if (key === 'mode' || key === 'uid' || key === 'gid') fail(option, `${key} not allowed for "${type}" type mounts`)
    fail(option, `unexpected key '${key}' for mount type '${type}'`)
  }
}

function readOnly(options: Options, otherwise: boolean): boolean {
  const readonly = options.get('readonly')
  if (readonly !== undefined) return boolean(readonly)
  const readwrite = options.get('readwrite')
  return readwrite === undefined ? otherwise : !boolean(readwrite)
}

function ownership(options: Options): Ownership {
  return {
    uid: number(options.get('uid'), 10),
    gid: number(options.get('gid'), 10),
    mode: number(options.get('mode'), 8),
  }
}

function sharing(option: MountOption | undefined): CacheMount['sharing'] {
  if (option === undefined) return 'shared'
  const written = option.value ?? ''
  const found = SHARING.find(mode => mode === written.toLowerCase())
  return found ?? fail(option, `unsupported sharing value "${written}"`, suggest(written, SHARING))
}

/** An option's value; an empty one counts as absent. */
function text(options: Options, key: string): string | undefined {
  return options.get(key)?.value || undefined
}

function requiredFlag(options: Options): boolean {
  const option = options.get('required')
  return option !== undefined && boolean(option)
}

function secret(spec: MountSpec, options: Options): SecretMount {
  const from = options.get('from')
  if (from !== undefined) fail(from, 'secret mount should not have a from')
  const source = text(options, 'source')
  const target = text(options, 'target')
  const id = text(options, 'id')
  if (source !== undefined && id !== undefined) fail(spec, "both source and id can't be set")
  const name = id ?? source ?? target?.split('/').at(-1)
  if (name === undefined) fail(spec, 'invalid secret mount. one of source, target required')
  return {
    type: 'secret',
    id: name,
    target,
    env: text(options, 'env'),
    required: requiredFlag(options),
    ...ownership(options),
  }
}

/**
 * The meaning of a `--mount`. `expand` gives each option's value its variables; leave it out when the instruction has
 * been through `expandInstruction`. Throws a ShaleError that points at the option, into `source` if given.
 */
export function parseMount(spec: MountSpec, expand = (value: string) => value, source?: SourceFile): Mount {
  return located(source, spec.range, () => {
    const options = collect(spec, expand)
    const type = typeOf(options.get('type'))
    checkKeys(type, options)
    const target = text(options, 'target')
    const paths = { from: text(options, 'from'), source: text(options, 'source'), target: target ?? '' }
    const id = text(options, 'id')
    switch (type) {
      case 'bind':
        return { type, ...paths, readOnly: readOnly(options, true) }
      case 'cache': {
        const writable = { sharing: sharing(options.get('sharing')), readOnly: readOnly(options, false) }
        return { type, id, ...paths, ...writable, ...ownership(options) }
      }
      case 'tmpfs':
        return { type, target: paths.target, size: size(options.get('size')), readOnly: readOnly(options, false) }
      case 'secret':
        return secret(spec, options)
      case 'ssh':
        return { type, id, target, required: requiredFlag(options), ...ownership(options) }
    }
  })
}
