import { existsSync } from 'node:fs'
import { posix, resolve } from 'node:path'
import type { BindMount, ContainerMount, TmpfsMount, VolumeMount } from '../container/mounts/types.ts'
import { parseSize } from '../container/mounts/volume-options.ts'
import { splitCsv } from '../dockerfile/csv.ts'
import { nearest } from '../dockerfile/nearest.ts'
import { ShaleError } from '../error.ts'
import { makeFolder } from '../store/make-folder.ts'
import { checkVolumeName } from '../store/volumes.ts'
import { keyValues } from './key-values.ts'

export interface MountFlags {
  readonly volume: readonly string[]
  readonly mount: readonly string[]
  readonly tmpfs: readonly string[]
}

/** What `-v`, `--mount` and `--tmpfs` ask for. As docker does, a folder that `-v` names is made when it is not there. */
export function mountsOf({ volume, mount, tmpfs }: MountFlags, cwd: string): readonly ContainerMount[] {
  const volumes = volume.map(text => parseVolume(text, cwd))
  for (const each of volumes) if (each.type === 'bind' && !existsSync(each.source)) makeFolder(each.source)
  return [...volumes, ...mount.map(text => parseMount(text, cwd)), ...tmpfs.map(parseTmpfs)]
}

/** Options that mean nothing without SELinux or a virtual machine, or are how it is anyway. */
const HARMLESS = new Set(['rw', 'z', 'Z', 'cached', 'delegated', 'consistent', 'rprivate', 'private'])
const PROPAGATION = new Set(['shared', 'rshared', 'slave', 'rslave'])

/** Reads `[source:]target[:options]`. Throws `INVALID_VOLUME`, `INVALID_VOLUME_NAME`. */
export function parseVolume(text: string, cwd: string): BindMount | VolumeMount {
  const fail = (why: string, hint?: string) =>
    new ShaleError('INVALID_VOLUME', `invalid volume specification ${JSON.stringify(text)}: ${why}`, { hint })
  const parts = text.split(':')
  const [source = '', path, options = '', ...more] = parts.length === 1 ? ['', ...parts] : parts
  if (more.length > 0) throw fail('it has too many colons', 'write source:target or source:target:ro')
  const target = targetOf(path ?? '', fail)
  const words = options.split(',').filter(word => word !== '')
  const readonly = words.includes('ro') || words.includes('readonly')
  const isBind = /^[./~]/.test(source)
  for (const word of words) {
    if (HARMLESS.has(word) || word === 'ro' || word === 'readonly' || (word === 'nocopy' && !isBind)) continue
    if (PROPAGATION.has(word)) throw unshared(word)
    throw fail(`unknown option ${JSON.stringify(word)}`, 'options are ro, rw, z, Z, rprivate, and nocopy for volumes')
  }
  if (isBind) return { type: 'bind', source: resolve(cwd, source), target, readonly }
  const nocopy = words.includes('nocopy')
  if (source === '' && parts.length > 1) throw fail('it has no source', 'write source:target')
  if (source !== '') checkVolumeName(source)
  return { type: 'volume', ...(source !== '' && { name: source }), target, readonly, ...(nocopy && { nocopy }) }
}

function targetOf(path: string, fail: (why: string) => ShaleError): string {
  if (!path.startsWith('/')) throw fail(`the container path ${JSON.stringify(path)} must be absolute`)
  const target = posix.resolve(path)
  if (target === '/') throw fail('the target cannot be /')
  return target
}

/** A container's mounts are its own: what is mounted later on one side is not seen on the other. */
function unshared(word: string): ShaleError {
  return new ShaleError('MOUNT_PROPAGATION', `mount propagation ${word} is not supported: Shale mounts are private`, {
    hint: 'mount what the container is to see before it is started, and leave the option out',
  })
}

type Fields = ReadonlyMap<string, readonly string[]>
type Fail = (why: string, hint?: string) => ShaleError

/** Keys by the name that stands for them, and the types that have them. */
const KEYS: Readonly<Record<string, readonly [name: string, ...types: ContainerMount['type'][]]>> = {
  type: ['type', 'bind', 'volume', 'tmpfs'],
  source: ['source', 'bind', 'volume'],
  src: ['source', 'bind', 'volume'],
  target: ['target', 'bind', 'volume', 'tmpfs'],
  dst: ['target', 'bind', 'volume', 'tmpfs'],
  destination: ['target', 'bind', 'volume', 'tmpfs'],
  readonly: ['readonly', 'bind', 'volume', 'tmpfs'],
  ro: ['readonly', 'bind', 'volume', 'tmpfs'],
  consistency: ['consistency', 'bind', 'volume', 'tmpfs'],
  'bind-propagation': ['propagation', 'bind'],
  'volume-nocopy': ['nocopy', 'volume'],
  'volume-subpath': ['subpath', 'volume'],
  'volume-label': ['label', 'volume'],
  'volume-opt': ['option', 'volume'],
  'volume-driver': ['driver', 'volume'],
  'tmpfs-size': ['size', 'tmpfs'],
  'tmpfs-mode': ['mode', 'tmpfs'],
}

/** Reads `type=bind,source=…,target=…`; without a type it is a volume. Throws `INVALID_MOUNT`. */
export function parseMount(text: string, cwd: string): ContainerMount {
  const fail: Fail = (why, hint) =>
    new ShaleError('INVALID_MOUNT', `invalid mount ${JSON.stringify(text)}: ${why}`, { hint })
  const fields = readFields(text, fail)
  const common = {
    target: targetOf(last(fields, 'target') ?? '', fail),
    readonly: isTrue(fields, 'readonly', fail),
  }
  switch (typeOf(fields, fail)) {
    case 'bind':
      return bindOf(fields, common, cwd, fail)
    case 'tmpfs':
      return tmpfsOf(fields, common, fail)
    case 'volume':
      return volumeOf(fields, common, fail)
  }
}

type Common = Pick<ContainerMount, 'target' | 'readonly'>

function bindOf(fields: Fields, common: Common, cwd: string, fail: Fail): BindMount {
  const propagation = last(fields, 'propagation')
  if (propagation !== undefined && PROPAGATION.has(propagation)) throw unshared(propagation)
  const source = last(fields, 'source')
  if (source === undefined) throw fail('it has no source', 'write source=/path')
  const path = resolve(cwd, source)
  if (!existsSync(path)) throw fail(`bind source path does not exist: ${path}`, 'make it first; -v makes it by itself')
  return { type: 'bind', source: path, ...common }
}

function volumeOf(fields: Fields, common: Common, fail: Fail): VolumeMount {
  const driver = last(fields, 'driver') ?? 'local'
  if (driver !== 'local') throw fail(`there is no volume driver ${JSON.stringify(driver)}`, 'the only one is local')
  const [name, subpath] = [last(fields, 'source'), last(fields, 'subpath')]
  if (name !== undefined) checkVolumeName(name)
  const labels = keyValues(fields.get('label') ?? [], () => '', 'label')
  const options = keyValues(fields.get('option') ?? [], () => '', 'volume option')
  return {
    type: 'volume',
    ...common,
    ...(name !== undefined && { name }),
    ...(subpath !== undefined && { subpath }),
    ...(isTrue(fields, 'nocopy', fail) && { nocopy: true }),
    ...(Object.keys(labels).length > 0 && { labels }),
    ...(Object.keys(options).length > 0 && { options }),
  }
}

function tmpfsOf(fields: Fields, common: Common, fail: Fail): TmpfsMount {
  const [size, mode] = [last(fields, 'size'), last(fields, 'mode')]
  return {
    type: 'tmpfs',
    ...common,
    ...(size !== undefined && { size: parseSize(size) }),
    ...(mode !== undefined && { mode: modeOf(mode, fail) }),
  }
}

function typeOf(fields: Fields, fail: Fail): ContainerMount['type'] {
  const type = last(fields, 'type') ?? 'volume'
  if (type !== 'bind' && type !== 'volume' && type !== 'tmpfs') {
    const near = nearest(type, ['bind', 'volume', 'tmpfs'])
    throw fail(`mount type unknown: ${JSON.stringify(type)}`, near && `did you mean ${near}?`)
  }
  for (const key of fields.keys()) {
    const [spelling = ''] = Object.entries(KEYS).find(([, [name]]) => name === key) ?? []
    if (!KEYS[spelling]?.includes(type)) throw fail(`a mount of type ${type} has no ${spelling}`)
  }
  return type
}

function readFields(text: string, fail: Fail): Fields {
  const words = splitCsv(text)?.map(field => field.text)
  if (words === undefined) throw fail('its quotes do not match')
  const fields = new Map<string, string[]>()
  for (const word of words) {
    const [, key = '', value] = /^([^=]*)(?:=(.*))?$/s.exec(word) ?? []
    const spelling = key.trim().toLowerCase()
    const name = Object.hasOwn(KEYS, spelling) ? KEYS[spelling]?.[0] : undefined
    if (name === undefined) {
      const near = nearest(spelling, Object.keys(KEYS))
      throw fail(`unexpected key ${JSON.stringify(key)}`, near && `did you mean ${near}?`)
    }
    if (value === undefined && name !== 'readonly' && name !== 'nocopy') throw fail(`${key} needs a value`)
    fields.set(name, [...(fields.get(name) ?? []), value ?? 'true'])
  }
  return fields
}

function last(fields: Fields, name: string): string | undefined {
  return fields.get(name)?.at(-1)
}

function isTrue(fields: Fields, name: string, fail: Fail): boolean {
  const value = last(fields, name) ?? 'false'
  if (/^(?:true|t|1)$/i.test(value)) return true
  if (/^(?:false|f|0)$/i.test(value)) return false
  throw fail(`invalid value for ${name}: ${value}`, 'write true or false')
}

function modeOf(text: string, fail: Fail): number {
  if (/^[0-7]{1,5}$/.test(text)) return Number.parseInt(text, 8)
  throw fail(`invalid mode ${JSON.stringify(text)}`, 'it is an octal number such as 1777')
}

/** Reads `target[:options]` with the options of mount(8) that docker takes. Throws `INVALID_MOUNT`. */
export function parseTmpfs(text: string): TmpfsMount {
  const fail: Fail = (why, hint) =>
    new ShaleError('INVALID_MOUNT', `invalid tmpfs ${JSON.stringify(text)}: ${why}`, { hint })
  const colon = text.indexOf(':')
  const target = targetOf(colon < 0 ? text : text.slice(0, colon), fail)
  let mount: TmpfsMount = { type: 'tmpfs', target, readonly: false }
  for (const word of colon < 0 ? [] : text.slice(colon + 1).split(',')) {
    const [key, value = ''] = word.split('=', 2)
    if (word === 'ro') mount = { ...mount, readonly: true }
    else if (word === 'exec') mount = { ...mount, exec: true }
    else if (key === 'size') mount = { ...mount, size: parseSize(value) }
    else if (key === 'mode') mount = { ...mount, mode: modeOf(value, fail) }
    else if (!['', 'rw', 'noexec', 'nosuid', 'nodev'].includes(word)) {
      throw fail(`unknown option ${JSON.stringify(word)}`, 'options are ro, rw, exec, noexec, size=64m, mode=1777')
    }
  }
  return mount
}
