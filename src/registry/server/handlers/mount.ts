import { type Digest, isDigest } from '../../../oci/digest.ts'
import type { Call } from '../call.ts'
import { isRepositoryName } from '../names.ts'

/** So many repositories are looked at for one that the user may read. */
const MAX_HOLDERS = 100

/**
 * Links a blob of another repository, so that it need not be uploaded. Without `from` any repository counts that the
 * user may read. Undefined when there is none: then the upload begins as usual.
 */
export async function mountBlob(call: Call, mount: string, from: string | undefined): Promise<Digest | undefined> {
  const { registry, repository } = call
  const { blobs } = registry.metadata
  if (!isDigest(mount)) return undefined
  const source = from === undefined ? await readableHolder(call, mount) : await namedHolder(call, mount, from)
  if (source === undefined) return undefined
  return (await blobs.link(repository, mount)) ? mount : undefined
}

async function namedHolder({ registry, user }: Call, digest: Digest, from: string): Promise<string | undefined> {
  if (!isRepositoryName(from) || !registry.permissions.may(user, 'pull', from)) return undefined
  return (await registry.metadata.blobs.has(from, digest)) ? from : undefined
}

async function readableHolder({ registry, user }: Call, digest: Digest): Promise<string | undefined> {
  const holders = await registry.metadata.blobs.holders(digest, MAX_HOLDERS)
  return holders.find(name => registry.permissions.may(user, 'pull', name))
}
