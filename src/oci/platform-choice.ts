import { normalizePlatform, type Platform } from './platform.ts'

/** True when an image for `have` runs where `want` is asked for; see `choosePlatform`. */
export function matchesPlatform(have: Platform, want: Platform): boolean {
  return rank(have, want) !== undefined
}

/**
 * The best of several images for a platform, undefined when none fits. As containerd matches: the variant itself, then
 * older ones (an arm/v7 machine runs arm/v6, an amd64/v3 one amd64/v2). Among equals the first. Further than containerd
 * goes, any variant serves, after all others, where none is asked for and none can be known. Another architecture never
 * does. Source: containerd/platforms v1.0, `Only`.
 */
export function choosePlatform<T>(
  items: readonly T[],
  platformOf: (item: T) => Platform | undefined,
  want: Platform,
): T | undefined {
  let best: { readonly item: T; readonly rank: number } | undefined
  for (const item of items) {
    const platform = platformOf(item)
    const found = platform === undefined ? undefined : rank(platform, want)
    if (found !== undefined && (best === undefined || found < best.rank)) best = { item, rank: found }
  }
  return best?.item
}

/** How far from what is wanted, 0 at best; undefined when it does not run there. */
function rank(have: Platform, want: Platform): number | undefined {
  const a = normalizePlatform(have)
  const b = normalizePlatform(want)
  if (a.os !== b.os || a.architecture !== b.architecture) return undefined
  const variants = runnableVariants(b)
  const at = variants.indexOf(a.variant)
  if (at >= 0) return at
  return a.variant === undefined || b.variant === undefined ? variants.length : undefined
}

/** Normalised variants, newest first: undefined is amd64/v1 and arm64/v8. */
function runnableVariants({ architecture, variant }: Platform): readonly (string | undefined)[] {
  const [, major = '', minor = '0'] = /^v(\d+)(?:\.(\d+))?$/.exec(variant ?? '') ?? []
  const version = Number(major)
  if (major === '' || version > 99) return [variant]
  if (architecture === 'arm') return [variant, ...down(version - 1, 5).map(older => `v${older}`)]
  if (architecture === 'amd64') return [variant, ...down(version - 1, 2).map(older => `v${older}`), undefined]
  if (architecture === 'arm64') return [variant, ...olderArm64(version, Math.min(Number(minor), 99))]
  return [variant]
}

/** v9.N has all that v8.(N+5) has. */
function olderArm64(major: number, minor: number): readonly (string | undefined)[] {
  const same = down(minor - 1, 1).map(older => `v${major}.${older}`)
  if (major !== 9) return [...same, undefined]
  const eight = down(minor + 5, 1).map(older => `v8.${older}`)
  return [...same, ...(minor > 0 ? ['v9'] : []), ...eight, undefined]
}

function down(from: number, to: number): readonly number[] {
  return Array.from({ length: Math.max(0, from - to + 1) }, (_, step) => from - step)
}
