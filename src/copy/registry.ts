import { ShaleError } from '../error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { formatReference, type Reference } from '../oci/reference.ts'
import { receiveBlob } from '../registry/client/blobs.ts'
import { getManifest, putManifest } from '../registry/client/manifests.ts'
import { listReferrers, tagReferrer } from '../registry/client/referrers.ts'
import type { RegistryClient, RemoteRepository } from '../registry/client/registry.ts'
import { type MountSources, type UploadImageOptions, uploadContent } from '../registry/client/upload-image.ts'
import { type ImageDocument, imageDocument } from '../transfer/document.ts'
import type { Fetcher, ImageSource, Pusher } from './types.ts'

/** An image of a registry, from the first of its mirrors that has it. */
export async function registrySource(
  client: RegistryClient,
  reference: Reference,
  signal?: AbortSignal,
): Promise<ImageSource> {
  const { registry, repository, digest, tag = 'latest' } = reference
  const readers = await client.readers(registry, repository)
  const errors: unknown[] = []
  for (const remote of readers) {
    try {
      const found = await getManifest(remote.registry, { ...remote, reference: digest ?? tag }, signal)
      const top = imageDocument(found.raw, found.digest, found.mediaType)
      return remoteSource(remote, reference, top, signal)
    } catch (error) {
      errors.push(error)
      if (!(error instanceof ShaleError) || signal?.aborted) break
    }
  }
  throw errors.at(-1)
}

function remoteSource(
  remote: RemoteRepository,
  reference: Reference,
  top: ImageDocument,
  signal: AbortSignal | undefined,
): ImageSource {
  const { registry, repository } = remote
  const name = formatReference(reference)
  return {
    name,
    imageName: reference.digest === undefined ? name : undefined,
    origin: `${registry.name}/${repository}`,
    resolve: async () => top,
    document: async ({ digest, mediaType }: Descriptor) => {
      const found = await getManifest(registry, { repository, reference: digest }, signal)
      return imageDocument(found.raw, digest, mediaType)
    },
    stream: ({ digest, size }, signal, from) => receiveBlob(registry, { repository, digest }, size, signal, from),
    referrers: digest => listReferrers(remote, digest, signal),
  }
}

export type RegistryTargetOptions = Omit<UploadImageOptions, 'mountSources'>

/** A name in a registry. Blobs that the source has in the same registry are mounted from there. */
export function registryTarget(client: RegistryClient, reference: Reference, options: RegistryTargetOptions): Pusher {
  const remote = { registry: client.registry(reference.registry), repository: reference.repository }
  const name = formatReference(reference)
  if (client.offline) throw new ShaleError('OFFLINE', `cannot copy to ${name}: --offline keeps from using the network`)
  const put = async ({ raw, descriptor }: ImageDocument, target: string) => {
    const address = { ...remote, reference: target }
    const answer = await putManifest(remote.registry, address, raw, descriptor.mediaType, options.signal)
    if (answer.digest === undefined || answer.digest === descriptor.digest) return answer
    throw new ShaleError('REGISTRY_FAILED', `${name} is ${answer.digest} there, but ${descriptor.digest} was copied`)
  }
  const push = async (document: ImageDocument, from: Fetcher, signal: AbortSignal) => {
    const { descriptor, parsed } = document
    if (parsed.kind === 'manifest') {
      const mountSources = async () => mountsFrom(from, remote)
      await uploadContent(remote, descriptor.digest, parsed.manifest, from, { ...options, signal, mountSources })
    }
    return await put(document, descriptor.digest)
  }
  return {
    name,
    push: async (document, from, signal) => void (await push(document, from, signal)),
    async attach(document, from, signal) {
      const answer = await push(document, from, signal)
      const subject = document.parsed.kind === 'manifest' ? document.parsed.manifest.subject : undefined
      if (answer.subject === undefined && subject) await tagReferrer(remote, subject.digest, document, signal)
    },
    async finish(document) {
      const { digest, tag } = reference
      if (digest !== undefined && digest !== document.descriptor.digest) {
        throw new ShaleError('DIGEST_DIFFERS', `${name} names another image than ${document.descriptor.digest}`, {
          hint: 'name the target by a tag',
        })
      }
      if (tag !== undefined) await put(document, tag)
    },
  }
}

function mountsFrom({ origin }: Fetcher, { registry, repository }: RemoteRepository): MountSources {
  const prefix = `${registry.name}/`
  if (origin === undefined || !origin.startsWith(prefix) || origin === `${prefix}${repository}`) return () => undefined
  return () => origin.slice(prefix.length)
}
