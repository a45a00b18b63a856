import { randomBytes } from 'node:crypto'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod/mini'
import { digestHex, sha256 } from '../../oci/digest.ts'
import { type BlobAddress, blobName } from './blobs.ts'
import type { Registry } from './registry.ts'

/** Where the bytes of a large blob were going when its upload was interrupted. */
export interface UploadMemory {
  /** Undefined when nothing is known, or nothing that could still hold. */
  recall(registry: Registry, address: BlobAddress): Promise<URL | undefined>
  remember(registry: Registry, address: BlobAddress, url: URL): Promise<void>
  forget(registry: Registry, address: BlobAddress): Promise<void>
}

/** Registries drop uploads that nobody goes on with, some after hours. */
const EXPIRY_MS = 24 * 60 * 60 * 1000

const noteSchema = z.looseObject({ blob: z.string(), url: z.string(), expires: z.number() })

export const NO_MEMORY: UploadMemory = {
  recall: async () => undefined,
  remember: async () => undefined,
  forget: async () => undefined,
}

/** Notes in a folder, one file for each blob of a repository, for their owner only: such addresses may be signed. */
export function uploadMemory(folder: string): UploadMemory {
  const fileOf = (registry: Registry, address: BlobAddress) =>
    join(folder, `${digestHex(sha256(blobName(registry, address)))}.json`)
  return {
    async recall(registry, address) {
      const note = await readNote(fileOf(registry, address))
      if (note === undefined || note.blob !== blobName(registry, address) || note.expires < Date.now()) return undefined
      return URL.canParse(note.url) ? new URL(note.url) : undefined
    },
    async remember(registry, address, url) {
      const file = fileOf(registry, address)
      const note = { blob: blobName(registry, address), url: url.href, expires: Date.now() + EXPIRY_MS }
      const temporary = `${file}.${randomBytes(4).toString('hex')}`
      await writeFile(temporary, `${JSON.stringify(note)}\n`, { mode: 0o600, flag: 'wx' })
      await rename(temporary, file)
    },
    async forget(registry, address) {
      await rm(fileOf(registry, address), { force: true })
    },
  }
}

async function readNote(file: string): Promise<z.infer<typeof noteSchema> | undefined> {
  try {
    return noteSchema.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch {
    // None, or one that was cut off: the upload begins anew.
    return undefined
  }
}
