import { ShaleError } from '../error.ts'
import type { Digest } from '../oci/digest.ts'
import { hostPlatform, type Platform } from '../oci/platform.ts'
import { chooseManifest } from '../transfer/choose.ts'
import type { ImageDocument } from '../transfer/document.ts'
import type { OnTransferEvent } from '../transfer/events.ts'
import type { ImageSource, Pusher } from './types.ts'

export interface CopyOptions {
  /** Of an index, this platform's image is copied; the host's if absent. */
  readonly platform?: Platform | undefined
  /** An index is copied with all its images. */
  readonly allPlatforms?: boolean | undefined
  /** What refers to the image (signatures, SBOMs), and to that in turn, is copied too. */
  readonly referrers?: boolean | undefined
  readonly onEvent?: OnTransferEvent | undefined
  readonly signal?: AbortSignal | undefined
}

export interface CopiedImage {
  /** Of the manifest or index that was copied; its bytes are the source's. */
  readonly digest: Digest
  readonly mediaType: string
  /** Bytes of that. */
  readonly size: number
}

/** An index may hold indexes. Deeper than this is no image but a trap. */
const MAX_DEPTH = 8

/** Copies an image, byte for byte. Throws `NO_PLATFORM` and what source and target throw. */
export async function copyImage(source: ImageSource, target: Pusher, options: CopyOptions = {}): Promise<CopiedImage> {
  const { signal = new AbortController().signal } = options
  const copy = { source, target, options, signal, seen: new Map<Digest, ImageDocument>() }
  const top = await source.resolve()
  const chosen = await choose(copy, top)
  await copyTree(copy, chosen, 0)
  if (options.referrers) await copyReferrers(copy)
  await target.finish(chosen)
  const { digest, mediaType, size } = chosen.descriptor
  return { digest, mediaType, size }
}

interface Copy {
  readonly source: ImageSource
  readonly target: Pusher
  readonly options: CopyOptions
  readonly signal: AbortSignal
  /** What was copied, in order. */
  readonly seen: Map<Digest, ImageDocument>
}

async function choose({ source, options }: Copy, top: ImageDocument): Promise<ImageDocument> {
  if (top.parsed.kind === 'manifest' || options.allPlatforms) return top
  const { index } = top.parsed
  return await source.document(chooseManifest(index, options.platform ?? hostPlatform(), source.name))
}

async function copyTree(copy: Copy, document: ImageDocument, depth: number): Promise<void> {
  const { source, target, options, signal, seen } = copy
  const { descriptor, parsed } = document
  if (seen.has(descriptor.digest)) return
  if (depth > MAX_DEPTH) {
    throw new ShaleError('INVALID_INDEX', `${source.name} has indexes in indexes more than ${MAX_DEPTH} deep`)
  }
  if (parsed.kind === 'index') {
    for (const child of parsed.index.manifests) await copyTree(copy, await source.document(child), depth + 1)
  }
  options.onEvent?.({ kind: 'manifest', digest: descriptor.digest, mediaType: descriptor.mediaType })
  await target.push(document, source, signal)
  seen.set(descriptor.digest, document)
}

/** The map grows while it is walked: a referrer has referrers of its own. */
async function copyReferrers({ source, target, options, signal, seen }: Copy): Promise<void> {
  for (const digest of seen.keys()) {
    for (const descriptor of await source.referrers(digest)) {
      if (seen.has(descriptor.digest)) continue
      const document = await source.document(descriptor)
      options.onEvent?.({ kind: 'manifest', digest: descriptor.digest, mediaType: descriptor.mediaType })
      await target.attach(document, source, signal)
      seen.set(descriptor.digest, document)
    }
  }
}
