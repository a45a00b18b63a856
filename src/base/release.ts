import { ShaleError } from '../error.ts'
import { readParagraph } from './deb822.ts'

/** What a signed Release file says. */
export interface Release {
  readonly suite: string
  readonly codename: string
  /** Milliseconds since 1970. */
  readonly date: number
  /** Milliseconds since 1970; the release must not be used any more after it. */
  readonly validUntil: number | undefined
  /** False when nothing is to be taken from it unless asked for. */
  readonly automatic: boolean
  /** Size in bytes and sha256 in hex of the indexes, by their path below the release. */
  readonly files: ReadonlyMap<string, { readonly size: number; readonly sha256: string }>
  /** Files lie under their digests too. */
  readonly byHash: boolean
}

/** Reads the text of a Release file; `where` names it in errors. Throws `RELEASE_INVALID`. */
export function readRelease(text: string, where: string): Release {
  const fields = readParagraph(text)
  const date = Date.parse(fields.get('date') ?? '')
  if (Number.isNaN(date)) throw new ShaleError('RELEASE_INVALID', `${where} has no date`)
  const until = fields.get('valid-until')
  const validUntil = until === undefined ? undefined : Date.parse(until)
  if (Number.isNaN(validUntil ?? 0)) throw new ShaleError('RELEASE_INVALID', `${where}: Valid-Until is no date`)
  return {
    suite: fields.get('suite') ?? '',
    codename: fields.get('codename') ?? '',
    date,
    validUntil,
    automatic: fields.get('notautomatic') !== 'yes',
    files: readFiles(fields.get('sha256') ?? ''),
    byHash: fields.get('acquire-by-hash') === 'yes',
  }
}

function readFiles(field: string): Release['files'] {
  const files = new Map<string, { readonly size: number; readonly sha256: string }>()
  for (const line of field.split('\n')) {
    const [, sha256, size, path] = /^\s*([0-9a-f]{64})\s+(\d+)\s+(\S+)\s*$/.exec(line) ?? []
    if (sha256 !== undefined && path !== undefined) files.set(path, { size: Number(size), sha256 })
  }
  return files
}
