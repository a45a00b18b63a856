import { ShaleError } from '../../error.ts'

/** What the `local` driver's options make of a volume. */
export type VolumeKind =
  | { readonly kind: 'folder' }
  | { readonly kind: 'bind'; readonly device: string }
  | { readonly kind: 'tmpfs'; readonly size: number | undefined }

/**
 * Reads docker's options of the `local` driver: none, `type=none,o=bind,device=/path`, or `type=tmpfs` with `o=size=64m`.
 * Throws `VOLUME_OPTIONS` for file systems of the network and others.
 */
export function volumeKind(options: Readonly<Record<string, string>>): VolumeKind {
  const { type, device, o = '', ...others } = options
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) throw refused(`the driver local has no option ${JSON.stringify(unknown)}`)
  const words = o.split(',').filter(word => word !== '')
  if (type === 'tmpfs') return { kind: 'tmpfs', size: sizeOf(words) }
  if (type === undefined && device === undefined && words.length === 0) return { kind: 'folder' }
  const isBind = (type === undefined || type === 'none') && (words.includes('bind') || words.includes('rbind'))
  if (isBind && device?.startsWith('/')) return { kind: 'bind', device }
  if (isBind) throw refused('a bind volume needs device=/an/absolute/path')
  throw refused(`a volume of type ${JSON.stringify(type ?? '')} cannot be mounted by Shale`)
}

function sizeOf(words: readonly string[]): number | undefined {
  const text = words.find(word => word.startsWith('size='))?.slice('size='.length)
  return text === undefined ? undefined : parseSize(text)
}

const UNITS = ['', 'k', 'm', 'g', 't']

/** Bytes of `64m`, units of 1024. Throws `INVALID_SIZE`. */
export function parseSize(text: string): number {
  const [, digits, unit = ''] = /^(\d+)([kmgt]?)(?:i?b)?$/i.exec(text) ?? []
  if (digits !== undefined) return Number(digits) * 1024 ** UNITS.indexOf(unit.toLowerCase())
  throw new ShaleError('INVALID_SIZE', `invalid size ${JSON.stringify(text)}`, { hint: 'write for example 64m' })
}

function refused(why: string): ShaleError {
  return new ShaleError('VOLUME_OPTIONS', `invalid volume options: ${why}`, {
    hint: 'known are none, type=tmpfs with o=size=64m, and type=none,o=bind,device=/path',
  })
}
