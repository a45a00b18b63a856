import { type ByteString, type Entry, fromByteString } from '../layer/entry.ts'
import type { Toc } from '../layer/toc.ts'

/** One field that an image and its rebuild have differently; undefined where one of them lacks it. */
export interface FieldDifference {
  /** `created`, `config.Env[2]`, `mtime`. */
  readonly field: string
  readonly image: string | undefined
  readonly rebuilt: string | undefined
}

/** The same of a file. The field `entry` is the file itself, that only one of them has, by its kind. */
export interface FileDifference extends FieldDifference {
  readonly path: string
}

type Fields = ReadonlyMap<string, string>

/** Every field of two documents that differs, in the order of the first. */
export function documentDifferences(image: unknown, rebuilt: unknown): readonly FieldDifference[] {
  return fieldDifferences(new Map(leaves('', image)), new Map(leaves('', rebuilt)))
}

/** Every field of every entry of two layers that differs, times included, in order of paths. */
export function layerDifferences(image: Toc, rebuilt: Toc): readonly FileDifference[] {
  const found: FileDifference[] = []
  let [left, right] = [0, 0]
  while (left < image.entries.length || right < rebuilt.entries.length) {
    const [old, young] = [image.entries[left], rebuilt.entries[right]]
    const isOld = young === undefined || (old !== undefined && old.path <= young.path)
    const isYoung = old === undefined || (young !== undefined && young.path <= old.path)
    if (isOld) left++
    if (isYoung) right++
    found.push(...entryDifferences(isOld ? old : undefined, isYoung ? young : undefined))
  }
  return found
}

function entryDifferences(old: Entry | undefined, young: Entry | undefined): readonly FileDifference[] {
  const path = `/${fromByteString((old ?? young)?.path ?? '')}`
  if (old === undefined || young === undefined) {
    return [{ path, field: 'entry', image: old?.kind, rebuilt: young?.kind }]
  }
  return fieldDifferences(entryFields(old), entryFields(young)).map(difference => ({ path, ...difference }))
}

function fieldDifferences(image: Fields, rebuilt: Fields): readonly FieldDifference[] {
  return [...new Set([...image.keys(), ...rebuilt.keys()])]
    .map(field => ({ field, image: image.get(field), rebuilt: rebuilt.get(field) }))
    .filter(difference => difference.image !== difference.rebuilt)
}

/** Every value that holds no other, under its path in the document, as JSON. */
function* leaves(path: string, value: unknown): Generator<readonly [string, string]> {
  if (Array.isArray(value) && value.length > 0) {
    for (const [index, item] of value.entries()) yield* leaves(`${path}[${index}]`, item)
    return
  }
  const isNested = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (!isNested || Object.keys(value).length === 0) yield [path, JSON.stringify(value)]
  else for (const [name, item] of Object.entries(value)) yield* leaves(path === '' ? name : `${path}.${name}`, item)
}

function entryFields(entry: Entry): Fields {
  const { kind, mode, uid, gid, mtime, mtimeNs, xattrs = [] } = entry
  return new Map([
    ['type', kind],
    ...kindFields(entry),
    ['mode', mode.toString(8).padStart(4, '0')],
    ['uid', String(uid)],
    ['gid', String(gid)],
    ['mtime', `${mtime}.${String(mtimeNs).padStart(9, '0')}`],
    ...xattrs.map(({ name, value }) => [`xattr ${name}`, hex(value)] as const),
  ])
}

function kindFields(entry: Entry): readonly (readonly [string, string])[] {
  switch (entry.kind) {
    case 'file':
      return [
        ['content', `sha256:${entry.digest}`],
        ['size', String(entry.size)],
      ]
    case 'symlink':
    case 'hardlink':
      return [['target', fromByteString(entry.target)]]
    case 'char':
    case 'block':
      return [['device', `${entry.major}:${entry.minor}`]]
    case 'directory':
      return [['opaque', String(entry.opaque === true)]]
    case 'fifo':
    case 'whiteout':
      return []
    default:
      return entry satisfies never
  }
}

function hex(bytes: ByteString): string {
  return Buffer.from(bytes, 'latin1').toString('hex')
}
