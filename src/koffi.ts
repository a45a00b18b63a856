import { createRequire } from 'node:module'
import type { default as Koffi } from 'koffi'

const require = createRequire(import.meta.url)

/**
 * koffi, which calls functions of the C library. Its compiled part alone has all that we use and loads in 1 ms; the
 * package's own entry looks for it in many places, which takes 6 ms more, and a container starts with two processes that
 * need it. The entry is left for platforms whose compiled part is named otherwise, or is for another C library.
 */
export const koffi = compiled() ?? (require('koffi') as typeof Koffi)

function compiled(): typeof Koffi | undefined {
  const { platform, arch } = process
  try {
    return require(`@koromix/koffi-${platform}-${arch}/${platform}_${arch}/koffi.node`) as typeof Koffi
  } catch {
    return undefined
  }
}
