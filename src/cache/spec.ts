import { splitCsv } from '../dockerfile/csv.ts'
import { nearest } from '../dockerfile/nearest.ts'
import { ShaleError } from '../error.ts'
import type { Compression } from '../oci/media-types.ts'
import { formatReference, parseReference, type Reference } from '../oci/reference.ts'

/** Where a cache is kept. */
export type CachePlace =
  | { readonly type: 'registry'; readonly reference: Reference }
  /** An OCI layout; the tag or digest names one of its documents. */
  | { readonly type: 'local'; readonly folder: string; readonly name: string }

export interface CacheToSpec {
  readonly place: CachePlace
  readonly mode: 'min' | 'max'
  readonly compression?: Compression | undefined
  readonly compressionLevel?: number | undefined
  readonly ignoreError: boolean
}

type Flag = 'cache-from' | 'cache-to'
type Fields = ReadonlyMap<string, string>

const TYPES = ['registry', 'local']
/** Those of buildx that this version of Shale has not. */
const OTHER_TYPES = ['inline', 'gha', 's3', 'azblob']

const PLACE_FIELDS: Readonly<Record<Flag, Readonly<Record<string, readonly string[]>>>> = {
  'cache-from': { registry: ['ref'], local: ['src', 'tag', 'digest'] },
  'cache-to': { registry: ['ref'], local: ['dest', 'tag'] },
}
/** Of both types. The last three say what is always so here. */
const TO_FIELDS = ['mode', 'compression', 'compression-level', 'ignore-error']
const ALWAYS: Readonly<Record<string, boolean>> = { 'oci-mediatypes': true, 'image-manifest': true }

/** Reads `type=registry,ref=user/app:cache`, `type=local,src=PATH` or a plain `user/app:cache`. Throws `INVALID_CACHE`. */
export function parseCacheFrom(text: string): CachePlace {
  const fields = fieldsOf('cache-from', text)
  return placeOf('cache-from', text, fields)
}

/** As `parseCacheFrom`, and how the cache is to be written. */
export function parseCacheTo(text: string): CacheToSpec {
  const fields = fieldsOf('cache-to', text)
  const place = placeOf('cache-to', text, fields)
  const mode = choice(text, fields, 'mode', ['min', 'max'] as const) ?? 'min'
  const named = choice(text, fields, 'compression', ['zstd', 'gzip', 'uncompressed', 'none'] as const)
  const compression = named === 'uncompressed' ? 'none' : named
  for (const [name, value] of Object.entries(ALWAYS)) {
    if (fields.has(name) && boolean(text, fields, name) !== value) {
      throw invalid('cache-to', text, `Shale's caches have OCI image manifests, so that ${name} cannot be ${!value}`)
    }
  }
  // Each layer has the compression that was asked for, whatever it had.
  boolean(text, fields, 'force-compression')
  const compressionLevel = level(text, fields, compression)
  return { place, mode, compression, compressionLevel, ignoreError: boolean(text, fields, 'ignore-error') ?? false }
}

export function cacheName(place: CachePlace): string {
  return place.type === 'registry' ? formatReference(place.reference) : `${place.folder}:${place.name}`
}

function fieldsOf(flag: Flag, text: string): Fields {
  const fields = new Map<string, string>()
  const parts = splitCsv(text)
  if (parts === undefined) throw invalid(flag, text, 'its quotes do not match')
  if (!text.includes('='))
    return parts.length === 1
      ? new Map([
          ['type', 'registry'],
          ['ref', text],
        ])
      : fields
  for (const part of parts) {
    const equals = part.text.indexOf('=')
    if (equals < 1) throw invalid(flag, text, `${JSON.stringify(part.text)} is not NAME=VALUE`)
    fields.set(part.text.slice(0, equals).trim().toLowerCase(), part.text.slice(equals + 1))
  }
  return fields
}

function placeOf(flag: Flag, text: string, fields: Fields): CachePlace {
  const type = fields.get('type')
  if (type === undefined) throw invalid(flag, text, 'it needs a type', 'type=registry,ref=user/app:cache, say')
  if (OTHER_TYPES.includes(type)) {
    throw new ShaleError('CACHE_TYPE_UNSUPPORTED', `--${flag} type=${type} is not supported by this version of Shale`, {
      hint:
        type === 'inline' ? 'type=registry keeps the cache under a tag of its own' : 'use type=registry or type=local',
    })
  }
  const allowed = PLACE_FIELDS[flag][type]
  if (allowed === undefined) {
    const near = nearest(type, TYPES)
    throw invalid(flag, text, `there is no type ${JSON.stringify(type)}${near ? `, did you mean ${near}?` : ''}`)
  }
  checkNames(flag, text, fields, allowed)
  if (type === 'registry') {
    return { type, reference: parseReference(required(flag, text, fields, 'ref')) }
  }
  const folder = required(flag, text, fields, flag === 'cache-from' ? 'src' : 'dest')
  return { type: 'local', folder, name: fields.get('digest') ?? fields.get('tag') ?? 'latest' }
}

function checkNames(flag: Flag, text: string, fields: Fields, allowed: readonly string[]): void {
  const more = flag === 'cache-to' ? [...TO_FIELDS, 'force-compression', ...Object.keys(ALWAYS)] : []
  const known = ['type', ...allowed, ...more]
  for (const name of fields.keys()) {
    if (known.includes(name)) continue
    const near = nearest(name, known)
    throw invalid(flag, text, `there is no ${JSON.stringify(name)} in it${near ? `, did you mean ${near}?` : ''}`)
  }
}

function required(flag: Flag, text: string, fields: Fields, name: string): string {
  const value = fields.get(name)
  if (value) return value
  throw invalid(flag, text, `${name} is missing`)
}

function choice<T extends string>(text: string, fields: Fields, name: string, choices: readonly T[]): T | undefined {
  const value = fields.get(name)
  const found = choices.find(one => one === value)
  if (value === undefined || found !== undefined) return found
  throw invalid('cache-to', text, `${name} is one of ${choices.join(', ')}`)
}

function boolean(text: string, fields: Fields, name: string): boolean | undefined {
  const value = fields.get(name)
  if (value === undefined) return undefined
  if (/^(?:1|t|true)$/i.test(value)) return true
  if (/^(?:0|f|false)$/i.test(value)) return false
  throw invalid('cache-to', text, `${name} is true or false`)
}

/** As the compressors have them. */
function level(text: string, fields: Fields, compression: Compression | undefined): number | undefined {
  const value = fields.get('compression-level')
  if (value === undefined) return undefined
  const most = compression === 'gzip' ? 9 : 19
  const found = /^\d{1,2}$/.test(value) ? Number(value) : 0
  if (found >= 1 && found <= most && compression !== 'none') return found
  throw invalid(
    'cache-to',
    text,
    `compression-level is a number from 1 to ${most}, and needs a compression that has levels`,
  )
}

function invalid(flag: Flag, text: string, why: string, hint?: string): ShaleError {
  return new ShaleError('INVALID_CACHE', `invalid --${flag} ${JSON.stringify(text)}: ${why}`, {
    hint: hint ?? `for instance --${flag} type=registry,ref=registry.example.com/app:cache`,
    exitCode: 125,
  })
}
