import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Place, parsePlace } from '../copy/place.ts'
import { isErrno, ShaleError } from '../error.ts'
import type { Digest } from '../oci/digest.ts'
import type { Platform } from '../oci/platform.ts'
import { type ImageFiles, imageFiles } from '../rootfs/image-files.ts'
import { findImage } from '../store/resolve.ts'
import type { Store } from '../store/types.ts'
import type { Context } from './command.ts'

/**
 * Gives the work the files of images: of the store by plain names and IDs, of a registry, layout or archive as `copy`
 * names them. What is not in the store comes into one that goes when the work ends.
 */
export async function withImages<T>(
  context: Context,
  names: readonly string[],
  platform: Platform | undefined,
  work: (images: readonly ImageFiles[]) => Promise<T>,
): Promise<T> {
  const places = names.map(parsePlace)
  if (places.every(({ kind }) => kind === 'name')) return await work(await stored(context, names, platform))
  const folder = visitFolder()
  try {
    const { openStore } = await import('../store/open.ts')
    const visit = openStore({ root: folder })
    try {
      const images: ImageFiles[] = []
      for (const [index, place] of places.entries()) {
        if (place.kind === 'name') images.push(...(await stored(context, [names[index] ?? ''], platform)))
        else images.push(await visited(context, visit, place, platform))
      }
      return await work(images)
    } finally {
      visit.close()
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function visitFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), 'shale-visit-'))
  } catch (cause) {
    if (!isErrno(cause)) throw cause
    throw new ShaleError('NO_TEMPORARY_FOLDER', `cannot make a folder in ${tmpdir()}: ${cause.message}`, { cause })
  }
}

async function stored(
  context: Context,
  names: readonly string[],
  platform: Platform | undefined,
): Promise<readonly ImageFiles[]> {
  const store = await context.store()
  return await Promise.all(
    names.map(async name => imageFiles(store, await store.images.open(storedId(store, name), platform))),
  )
}

function storedId(store: Store, name: string): Digest {
  const found = findImage(store, name)
  if (found !== undefined) return found.id
  const hint = `\`shale pull ${name}\`, or docker://${name} to look at it where it is`
  throw new ShaleError('IMAGE_NOT_FOUND', `No such image: ${name}`, { hint })
}

async function visited(
  context: Context,
  store: Store,
  place: Place,
  platform: Platform | undefined,
): Promise<ImageFiles> {
  const [{ copyImage }, { openSource, openTarget }, { withRegistryClient }, { quietTransfer, showTransfer }] =
    await Promise.all([
      import('../copy/copy.ts'),
      import('../copy/open.ts'),
      import('./registry-client.ts'),
      import('./progress/transfer.ts'),
    ])
  const { signal } = context
  const lease = store.lease('visit')
  // The standard output is for what is said of the image.
  const { onEvent, end } = context.err.canRedraw
    ? showTransfer('copy', { ...context, out: context.err })
    : quietTransfer(context)
  try {
    const digest = await withRegistryClient(context, async client => {
      const places = { store, lease, client, onEvent, signal }
      const source = await openSource(places, place)
      const target = await openTarget(places, { kind: 'name', text: 'localhost/visited' }, source.imageName)
      return (await copyImage(source, target, { platform, onEvent, signal })).digest
    })
    return await imageFiles(store, await store.images.open(digest, platform))
  } finally {
    end()
    lease.end()
  }
}
