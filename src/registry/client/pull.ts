import { ShaleError } from '../../error.ts'
import type { Digest } from '../../oci/digest.ts'
import { parseImageConfig } from '../../oci/image-config.ts'
import { parseManifest } from '../../oci/manifest.ts'
import { isIndexType } from '../../oci/media-types.ts'
import { formatPlatform, hostPlatform, type Platform } from '../../oci/platform.ts'
import { matchesPlatform } from '../../oci/platform-choice.ts'
import { formatReference, parseReference, type Reference } from '../../oci/reference.ts'
import type { Lease, Store } from '../../store/types.ts'
import { chooseManifest } from '../../transfer/choose.ts'
import type { ContentSource } from '../../transfer/content-source.ts'
import type { OnTransferEvent } from '../../transfer/events.ts'
import { ingestImage } from '../../transfer/ingest.ts'
import { receiveBlob } from './blobs.ts'
import { getManifest, headManifest, type RemoteManifest } from './manifests.ts'
import { createRegistryClient, type Registry, type RegistryClient, type RemoteRepository } from './registry.ts'

export interface PullOptions {
  /** The host's if absent. */
  readonly platform?: Platform | undefined
  /** To share connections and tokens between calls; one with docker's credentials is made for this call if absent. */
  readonly client?: RegistryClient | undefined
  readonly onEvent?: OnTransferEvent | undefined
  readonly signal?: AbortSignal | undefined
  /** Layers at a time; 3 if absent. */
  readonly parallel?: number | undefined
}

export interface PulledImage {
  /** The complete name: `docker.io/library/debian:trixie`. */
  readonly name: string
  /** The image ID: digest of the index, or of the manifest when there is no index. */
  readonly digest: Digest
  /** Digest of the platform's manifest. */
  readonly manifest: Digest
  /** False when the store had all of it under this name already. */
  readonly changed: boolean
}

/**
 * Brings an image from its registry into the store and tags it there. Of an index only the platform's image is taken.
 * A reference with a digest is verified against it and moves no tag. Throws `NO_PLATFORM` (and lists the platforms),
 * `NOT_FOUND`, `UNAUTHORIZED` and the like; what has arrived by then is kept for the next attempt until collected.
 */
export async function pullImage(
  store: Store,
  reference: string | Reference,
  options: PullOptions = {},
): Promise<PulledImage> {
  const parsed = typeof reference === 'string' ? parseReference(reference) : reference
  const client = options.client ?? createRegistryClient()
  const lease = store.lease(`pull ${formatReference(parsed)}`)
  try {
    const readers = await client.readers(parsed.registry, parsed.repository)
    const stored = await storedImage(store, parsed, options)
    if (stored !== undefined && client.offline) return keepOffline(stored, options)
    return await firstOf(readers, options, async reader => {
      const unchanged = stored !== undefined && (await isUnchanged(reader, parsed, stored, options))
      if (!unchanged) return await pull(store, lease, reader, parsed, options)
      store.images.addRepoDigest(`${parsed.registry}/${parsed.repository}`, stored.digest)
      options.onEvent?.({ kind: 'manifest', digest: stored.manifest, mediaType: stored.mediaType })
      return stored
    })
  } finally {
    lease.end()
    if (options.client === undefined) client.close()
  }
}

/**
 * What the first place that has it all gives. A mirror that lacks something, fails or sends other bytes than their
 * digest says is passed over; what it has given by then is verified and stays.
 */
async function firstOf<T>(
  readers: readonly RemoteRepository[],
  { onEvent, signal }: PullOptions,
  read: (reader: RemoteRepository) => Promise<T>,
): Promise<T> {
  for (const [at, reader] of readers.entries()) {
    const where = `${reader.registry.name}/${reader.repository}`
    try {
      const found = await read(reader)
      if (readers.length > 1) onEvent?.({ kind: 'detail', message: `answered by ${where}` })
      return found
    } catch (error) {
      const passesOn = error instanceof ShaleError && error.code !== 'DISK_FULL' && error.code !== 'OFFLINE'
      if (!passesOn || at === readers.length - 1 || signal?.aborted) throw error
      onEvent?.({ kind: 'detail', message: `passed over ${where}: ${error.message}` })
    }
  }
  throw new Error('a registry is read from itself at least')
}

interface StoredPull extends PulledImage {
  readonly mediaType: string
}

/** What the store has for the reference and platform, whole. */
async function storedImage(store: Store, reference: Reference, options: PullOptions): Promise<StoredPull | undefined> {
  const name = formatReference(reference)
  const known = reference.digest ?? store.images.getTag(name)?.digest
  const image = known === undefined ? undefined : store.images.get(known)
  if (known === undefined || image === undefined) return undefined
  // Without a platform, an index would give its first image when it lacks the host's.
  const platform = options.platform ?? (isIndexType(image.mediaType) ? hostPlatform() : undefined)
  const stored = await store.images.open(known, platform).catch(() => undefined)
  if (stored === undefined) return undefined
  return { name, digest: known, manifest: stored.digest, mediaType: stored.mediaType, changed: false }
}

function keepOffline(stored: StoredPull, { onEvent }: PullOptions): PulledImage {
  const message = `--offline: ${stored.name} is as stored here; its registry was not asked`
  onEvent?.({ kind: 'warning', message })
  return stored
}

/** Asking for that costs no rate limit. */
async function isUnchanged(
  { registry, repository }: RemoteRepository,
  { digest, tag = 'latest' }: Reference,
  stored: PulledImage,
  options: PullOptions,
): Promise<boolean> {
  if (digest !== undefined) return true
  const remote = await headManifest(registry, { repository, reference: tag }, options.signal)
  return remote?.digest === stored.digest
}

async function pull(
  store: Store,
  lease: Lease,
  { registry, repository }: RemoteRepository,
  reference: Reference,
  options: PullOptions,
): Promise<PulledImage> {
  const { tag = 'latest', digest } = reference
  const name = formatReference(reference)
  const top = await getManifest(registry, { repository, reference: digest ?? tag }, options.signal)
  const document = parseManifest(top.raw, top.mediaType)
  const want = options.platform ?? hostPlatform()
  const found =
    document.kind === 'manifest'
      ? { ...top, mediaType: document.mediaType }
      : await getChosen(registry, repository, chooseManifest(document.index, want, name), options)
  options.onEvent?.({ kind: 'manifest', digest: found.digest, mediaType: found.mediaType, platform: want })
  const source = repositorySource(registry, repository, name)
  const { onEvent, signal, parallel } = options
  await ingestImage(store, lease, source, found.raw, found.mediaType, { onEvent, signal, parallel })
  if (document.kind === 'index') await store.images.add(lease, top.raw, document.mediaType)
  else await checkPlatform(store, found.digest, name, want, options)
  if (digest === undefined) store.images.tag(name, top.digest, 'pull')
  store.images.addRepoDigest(`${reference.registry}/${reference.repository}`, top.digest)
  return { name, digest: top.digest, manifest: found.digest, changed: true }
}

async function getChosen(
  registry: Registry,
  repository: string,
  chosen: { readonly digest: Digest; readonly mediaType: string },
  options: PullOptions,
): Promise<RemoteManifest> {
  const found = await getManifest(registry, { repository, reference: chosen.digest }, options.signal)
  return { ...found, mediaType: chosen.mediaType }
}

function repositorySource(registry: Registry, repository: string, name: string): ContentSource {
  return {
    name,
    origin: `${registry.name}/${repository}`,
    stream: ({ digest, size }, signal, from) => receiveBlob(registry, { repository, digest }, size, signal, from),
  }
}

/** A tag without an index has one platform only: an error when another was asked for, a warning when not. */
async function checkPlatform(
  store: Store,
  manifest: Digest,
  name: string,
  want: Platform,
  options: PullOptions,
): Promise<void> {
  const { rawConfig } = await store.images.open(manifest)
  const have = parseImageConfig(rawConfig)
  if (matchesPlatform(have, want)) return
  const message = `${name} is an image for ${formatPlatform(have)}, not ${formatPlatform(want)}`
  if (options.platform !== undefined) {
    throw new ShaleError('NO_PLATFORM', message, { hint: 'its registry has it for that platform only' })
  }
  options.onEvent?.({ kind: 'warning', message })
}
