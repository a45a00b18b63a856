import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { isErrno, ShaleError } from '../error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { MAX_DOCUMENT_BYTES, parseManifest } from '../oci/manifest.ts'
import { MediaType } from '../oci/media-types.ts'
import { makeFolder } from '../store/make-folder.ts'
import { type ArchiveItem, bytesItem } from './item.ts'
import { CONTAINERD_NAME, REF_NAME } from './layout.ts'
import { encodeIndex } from './save-oci.ts'

/**
 * Writes an OCI layout into a folder that is new, empty or a layout already: then its other images stay, and a name that
 * it had moves to the new one. Each file appears whole or not at all, `index.json` after the blobs that it names. Throws
 * `NOT_A_LAYOUT` for a folder with other content.
 */
export async function writeFolder(folder: string, items: AsyncIterable<ArchiveItem>): Promise<void> {
  const present = await presentImages(folder)
  for await (const item of items) {
    if (item.path !== 'index.json') await writeItem(folder, item)
    else await writeItem(folder, bytesItem('index.json', encodeIndex(merged(present, await entriesIn(item)))))
  }
}

/** The images that a layout has; none when the folder is new or empty. Throws `NOT_A_LAYOUT`. */
export async function presentImages(folder: string): Promise<readonly Descriptor[]> {
  const names = await readdir(folder).catch((error): string[] => {
    if (isErrno(error, 'ENOENT')) return []
    throw error
  })
  if (names.length === 0) return []
  if (!names.includes('oci-layout') || !names.includes('index.json')) {
    throw new ShaleError('NOT_A_LAYOUT', `${folder} is neither empty nor an OCI layout; nothing was written there`, {
      hint: 'name a new folder',
    })
  }
  return entriesOf(await readFile(join(folder, 'index.json')))
}

function entriesOf(raw: Uint8Array): readonly Descriptor[] {
  const document = parseManifest(raw, MediaType.ociIndex)
  return document.kind === 'index' ? document.index.manifests : []
}

async function entriesIn(item: ArchiveItem): Promise<readonly Descriptor[]> {
  const chunks: Uint8Array[] = []
  for await (const chunk of item.open()) chunks.push(chunk)
  return entriesOf(Buffer.concat(chunks).subarray(0, MAX_DOCUMENT_BYTES))
}

/** A name that is there already moves to the image that is added. */
export function merged(present: readonly Descriptor[], added: readonly Descriptor[]): readonly Descriptor[] {
  const replaced = new Set(added.map(nameKey))
  return [...present.filter(entry => !replaced.has(nameKey(entry))), ...added]
}

function nameKey({ annotations, digest }: Descriptor): string {
  return annotations?.[CONTAINERD_NAME] ?? annotations?.[REF_NAME] ?? digest
}

/** Whole or not at all. A blob that is there is left as it is: then false. */
export async function writeItem(folder: string, item: ArchiveItem): Promise<boolean> {
  const target = join(folder, item.path)
  // Equal digest and size: it is there already.
  if (item.path.startsWith('blobs/') && (await sizeOf(target)) === item.size) return false
  makeFolder(dirname(target))
  const temporary = `${target}.${randomUUID()}.tmp`
  try {
    await pipeline(Readable.from(item.open(), { objectMode: false }), createWriteStream(temporary, { flags: 'wx' }))
    await rename(temporary, target)
    return true
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  return await stat(path).then(
    found => found.size,
    () => undefined,
  )
}
