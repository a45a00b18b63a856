import { type ByteString, type FileEntry, fromByteString } from '../../layer/entry.ts'
import type { Toc } from '../../layer/toc.ts'
import type { ImageConfig } from '../../oci/image-config.ts'
import { type CacheSize, cachesOf } from './caches.ts'
import { eachVisible, visibleFiles, type Waste } from './visible.ts'

/** What one line of the Dockerfile has put into the image. */
export interface LineSize {
  /** As the image's history has it. */
  readonly createdBy: string
  /** Index of its layer; undefined when it made none. */
  readonly layer: number | undefined
  readonly bytes: number
  readonly files: number
  /** Bytes of it that later lines hide. */
  readonly wasted: number
}

/** The same content under several paths. */
export interface Duplicate {
  readonly size: number
  readonly paths: readonly string[]
  /** What all but the first take. */
  readonly wasted: number
}

/** Where an image's bytes are. Sizes are those of unpacked files. */
export interface SizeReport {
  /** Of the files of all layers. */
  readonly bytes: number
  /** Of those that a container sees. */
  readonly visible: number
  readonly files: number
  readonly wasted: number
  /** Part of the bytes that a container sees, 0 to 1. */
  readonly efficiency: number
  readonly lines: readonly LineSize[]
  /** Largest first. */
  readonly waste: readonly (Omit<Waste, 'path'> & { readonly path: string })[]
  /** The largest first; none that are empty. */
  readonly duplicates: readonly Duplicate[]
  readonly caches: readonly CacheSize[]
}

/** Files smaller than that are the same by chance or by design. */
const SMALLEST_DUPLICATE = 1024

/** `layers` are the tables of contents of the config's layers, lowest first. */
export function sizeReport(config: Pick<ImageConfig, 'history'>, layers: readonly Toc[]): SizeReport {
  const whole = visibleFiles(layers)
  const seen = layers.map(() => 0)
  const files: FileEntry[] = []
  eachVisible(whole, (file, layer) => {
    files.push(file)
    seen[layer] = (seen[layer] as number) + file.size
  })
  const visible = seen.reduce((sum, size) => sum + size, 0)
  const sizes = layers.map(sizeOf)
  const bytes = sizes.reduce((sum, layer) => sum + layer.bytes, 0)
  return {
    bytes,
    visible,
    files: files.length,
    wasted: bytes - visible,
    efficiency: bytes === 0 ? 1 : visible / bytes,
    lines: linesOf(config, sizes, seen),
    waste: whole.waste
      .filter(one => one.bytes > 0)
      .sort((a, b) => b.bytes - a.bytes)
      .map(one => ({ ...one, path: `/${fromByteString(one.path)}` })),
    duplicates: duplicatesOf(files),
    caches: cachesOf(files),
  }
}

interface LayerSize {
  readonly bytes: number
  readonly files: number
}

function sizeOf({ entries }: Toc): LayerSize {
  let [bytes, files] = [0, 0]
  for (const entry of entries) {
    if (entry.kind !== 'file') continue
    bytes += entry.size
    files++
  }
  return { bytes, files }
}

/** History entries with their layers; layers without an entry get an empty one. */
function linesOf(
  { history = [] }: Pick<ImageConfig, 'history'>,
  sizes: readonly LayerSize[],
  seen: readonly number[],
): readonly LineSize[] {
  let next = 0
  const line = (createdBy: string, layer: number | undefined): LineSize => {
    const size = layer === undefined ? undefined : sizes[layer]
    if (layer === undefined || size === undefined) return { createdBy, layer: undefined, bytes: 0, files: 0, wasted: 0 }
    return { createdBy, layer, ...size, wasted: size.bytes - (seen[layer] ?? 0) }
  }
  const lines = history.map(({ created_by = '', empty_layer }) => line(created_by, empty_layer ? undefined : next++))
  return [...lines, ...sizes.slice(next).map((_, index) => line('', next + index))]
}

function duplicatesOf(files: readonly FileEntry[]): readonly Duplicate[] {
  const paths = new Map<string, { readonly size: number; readonly paths: ByteString[] }>()
  for (const { digest, path, size } of ofCommonSize(files)) {
    const known = paths.get(digest)
    if (known === undefined) paths.set(digest, { size, paths: [path] })
    else known.paths.push(path)
  }
  return [...paths.values()]
    .filter(group => group.paths.length > 1)
    .map(({ size, paths }) => {
      const shown = paths.map(path => `/${fromByteString(path)}`).sort()
      return { size, paths: shown, wasted: size * (paths.length - 1) }
    })
    .sort((a, b) => b.wasted - a.wasted)
}

/** Numbers are compared faster than digests, and most large files are the only ones of their size. */
function ofCommonSize(files: readonly FileEntry[]): readonly FileEntry[] {
  const seen = new Set<number>()
  const common = new Set<number>()
  for (const { size } of files) {
    if (size < SMALLEST_DUPLICATE) continue
    if (seen.has(size)) common.add(size)
    else seen.add(size)
  }
  return files.filter(({ size }) => common.has(size))
}
