import type { LayerStore, StoredImage } from '../store/types.ts'

/** Unpacked bytes of each of the image's layers, in its order. */
export function layerSizes(store: { readonly layers: LayerStore }, image: StoredImage): readonly number[] {
  return image.config.rootfs.diff_ids.map(diffId => store.layers.byDiffId(diffId)?.unpackedSize ?? 0)
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
