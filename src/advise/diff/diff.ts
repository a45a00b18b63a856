import { isDeepStrictEqual } from 'node:util'
import type { Digest } from '../../oci/digest.ts'
import type { ImageFiles } from '../../rootfs/image-files.ts'
import { type ConfigChange, configChanges } from './config.ts'
import { type FileChange, fileChanges } from './files.ts'
import { type PackageChange, packageChanges } from './packages.ts'

/** A layer that one of two images has. */
export interface LayerOf {
  readonly diffId: Digest
  /** Of its files, in bytes. */
  readonly bytes: number
  /** The line of the Dockerfile, as the image's history has it. */
  readonly createdBy: string
}

/** Everything that tells two images apart. */
export interface ImageDiff {
  readonly same: boolean
  readonly config: readonly ConfigChange[]
  readonly layers: {
    /** So many of the lowest are the same. */
    readonly shared: number
    readonly removed: readonly LayerOf[]
    readonly added: readonly LayerOf[]
  }
  readonly packages: readonly PackageChange[]
  /** By path. */
  readonly files: readonly FileChange[]
}

/** From `a` to `b`. Files are compared by tables of contents; only lists of packages are read, where they differ. */
export async function diffImages(a: ImageFiles, b: ImageFiles): Promise<ImageDiff> {
  const config = configChanges(a.image.config, b.image.config)
  const files = fileChanges(a.view.layers, b.view.layers)
  const packages = await packageChanges(a, b)
  const layers = layerChanges(layersOf(a), layersOf(b))
  const same = [config, files, layers.removed, layers.added].every(list => list.length === 0)
  return { same, config, layers, packages, files }
}

function layersOf({ image, layers }: ImageFiles): readonly LayerOf[] {
  const made = (image.config.history ?? []).filter(({ empty_layer }) => empty_layer !== true)
  return image.config.rootfs.diff_ids.map((diffId, index) => ({
    diffId,
    bytes: layers[index]?.unpackedSize ?? 0,
    createdBy: made[index]?.created_by ?? '',
  }))
}

function layerChanges(a: readonly LayerOf[], b: readonly LayerOf[]): ImageDiff['layers'] {
  let shared = 0
  while (shared < Math.min(a.length, b.length) && isDeepStrictEqual(a[shared]?.diffId, b[shared]?.diffId)) shared++
  return { shared, removed: a.slice(shared), added: b.slice(shared) }
}
