import { ShaleError } from '../error.ts'
import { type Digest, shortDigest } from '../oci/digest.ts'
import { familiarReference, parseReference } from '../oci/reference.ts'
import type { LocalStore } from './open.ts'
import { resolveImage } from './resolve.ts'
import type { ImageSummary } from './types.ts'

export type ImageRemoval = { readonly untagged: string } | { readonly deleted: Digest }

export interface ImageUser {
  /** The container's ID. */
  readonly container: string
  readonly image: Digest
  readonly running: boolean
}

export interface RemoveImageOptions {
  readonly force?: boolean | undefined
  /** Containers, which keep their images: stopped ones unless forced, running ones always. */
  readonly users?: readonly ImageUser[] | undefined
}

/**
 * `docker rmi` of one argument. A name is taken away, and with its last name the image goes; an ID takes the image with
 * its name, or forced with all its names. Content is freed by the next `collect`. Throws `IMAGE_NOT_FOUND`,
 * `IMAGE_AMBIGUOUS`, `IMAGE_CONFLICT`.
 */
export function removeImage(
  store: LocalStore,
  text: string,
  options: RemoveImageOptions = {},
): readonly ImageRemoval[] {
  return store.database.write(() => {
    const { id, name } = resolveImage(store, text)
    const image = store.images.get(id) as ImageSummary
    const all = [...image.names, ...image.repoDigests]
    const going = name === undefined ? all : namesGoing(image, name)
    const last = going.length === all.length
    if (name === undefined) checkSingleName(image, options)
    if (last) checkUsers(id, options)
    const removed: readonly ImageRemoval[] = going.map(each => untag(store, each))
    if (!last) return removed
    store.images.remove(id)
    return [...removed, { deleted: id }]
  })
}

function checkSingleName(image: ImageSummary, options: RemoveImageOptions): void {
  const repositories = new Set([...image.names, ...image.repoDigests].map(repositoryOf))
  if (options.force || (repositories.size <= 1 && image.names.length <= 1)) return
  throw conflict(image.id, 'must be forced', 'image is referenced in multiple repositories')
}

/** With the last tag of a repository its digest goes too; a digest that no registry confirmed stands for the tags. */
function namesGoing(image: ImageSummary, name: string): readonly string[] {
  const inRepository = (other: string) => repositoryOf(other) === repositoryOf(name)
  const tags = image.names.filter(inRepository)
  const digests = image.repoDigests.filter(inRepository)
  if (image.names.includes(name)) return tags.length === 1 ? [name, ...digests] : [name]
  return digests.length > 0 ? digests : tags
}

function untag(store: LocalStore, name: string): ImageRemoval {
  const reference = parseReference(name)
  if (reference.digest === undefined) store.images.untag(name, 'rmi')
  else {
    const sql = 'DELETE FROM repo_digests WHERE digest = ? AND repository = ?'
    store.database.run(sql, reference.digest, repositoryOf(name))
  }
  return { untagged: familiarReference(reference) }
}

function checkUsers(id: Digest, options: RemoveImageOptions): void {
  const users = (options.users ?? []).filter(user => user.image === id)
  const running = users.find(user => user.running)
  if (running !== undefined) {
    const why = `image is being used by running container ${running.container.slice(0, 12)}`
    throw conflict(id, 'cannot be forced', why)
  }
  const [stopped] = users
  if (stopped !== undefined && !options.force) {
    throw conflict(id, 'must be forced', `image is being used by stopped container ${stopped.container.slice(0, 12)}`)
  }
}

function conflict(id: Digest, remedy: 'must be forced' | 'cannot be forced', why: string): ShaleError {
  const hint = remedy === 'must be forced' ? 'remove one name after the other, or all at once with --force' : undefined
  return new ShaleError('IMAGE_CONFLICT', `conflict: unable to delete ${shortDigest(id)} (${remedy}) - ${why}`, {
    hint,
  })
}

function repositoryOf(name: string): string {
  const { registry, repository } = parseReference(name)
  return `${registry}/${repository}`
}
