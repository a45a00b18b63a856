import { ShaleError } from '../../error.ts'
import { isDigest } from '../../oci/digest.ts'
import { expectStatus } from './failure.ts'
import { discard } from './http.ts'
import { headManifest, type ManifestAddress, manifestName } from './manifests.ts'
import type { Registry } from './registry.ts'
import { deleteScope } from './scope.ts'

/** What registries answer that do not delete, or no tag alone. */
const UNSUPPORTED = new Set([400, 405, 501])

/**
 * Deletes a tag, or by its digest a manifest with all its tags. Throws `NOT_FOUND` and the like, and
 * `DELETE_UNSUPPORTED` with what can be done instead. Source: OCI distribution-spec v1.1, "Deleting Manifests".
 */
export async function deleteManifest(
  registry: Registry,
  address: ManifestAddress,
  signal?: AbortSignal,
): Promise<void> {
  const { repository, reference } = address
  const path = `/v2/${repository}/manifests/${reference}`
  const response = await registry.send({ method: 'DELETE', path, scopes: deleteScope(repository), signal })
  if (UNSUPPORTED.has(response.status)) {
    discard(response)
    throw await unsupported(registry, address, signal)
  }
  const target = manifestName(registry, address)
  await expectStatus(response, [200, 202, 204], { doing: 'delete', target, registry: registry.name })
  discard(response)
}

async function unsupported(
  registry: Registry,
  address: ManifestAddress,
  signal: AbortSignal | undefined,
): Promise<ShaleError> {
  const name = manifestName(registry, address)
  if (isDigest(address.reference)) {
    return new ShaleError('DELETE_UNSUPPORTED', `cannot delete ${name}: the registry is set up so that nothing is`, {
      hint: "whoever runs it must allow it; Debian's docker-registry: REGISTRY_STORAGE_DELETE_ENABLED=true",
    })
  }
  const found = await headManifest(registry, address, signal).catch(() => undefined)
  const whole = found && `${registry.name}/${address.repository}@${found.digest}`
  return new ShaleError('DELETE_UNSUPPORTED', `cannot delete ${name}: the registry deletes no tag alone`, {
    hint: whole && `this deletes the image with all its tags: shale registry delete ${whole}`,
  })
}
