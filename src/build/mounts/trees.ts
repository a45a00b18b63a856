import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writing } from '../../error.ts'
import type { Toc } from '../../layer/toc.ts'
import { encodeToc, tocDigest } from '../../layer/toc-codec.ts'
import type { Digest } from '../../oci/digest.ts'
import type { PlannedEntry } from '../copy/plan.ts'
import type { LayerWork } from '../layer-work.ts'
import type { TreeWorker } from '../tree-worker.ts'

/** A table and where the bytes of its files are. */
export interface TreeContent {
  readonly toc: Toc
  readonly planned: readonly PlannedEntry[]
}

export interface MountTreeServices {
  readonly layers: LayerWork
  readonly worker: () => Promise<TreeWorker>
  /** A new folder on the store's file system that outlasts the build's steps. */
  readonly folder: () => string
  readonly removeTree: (path: string) => Promise<void>
}

/** Files written out for mounts; the same files once for a whole build. */
export class MountTrees {
  readonly #services: MountTreeServices
  readonly #made = new Map<Digest, Promise<string>>()
  readonly #folders: string[] = []

  constructor(services: MountTreeServices) {
    this.#services = services
  }

  /** A folder with these files and nothing else. It must not be written to. */
  tree(content: TreeContent): Promise<string> {
    const key = tocDigest(content.toc)
    const pending = this.#made.get(key) ?? this.#make(content)
    this.#made.set(key, pending)
    return pending
  }

  /** Writes the files into an empty folder. */
  async fill(content: TreeContent, folder: string): Promise<void> {
    const { layers, worker } = this.#services
    const toc = `${folder}-${randomUUID()}.toc`
    await writing(toc, () => writeFile(toc, encodeToc(content.toc)))
    try {
      const sources = await layers.sourcesOf(content.toc, content.planned)
      await (await worker()).writeTree({ toc, sources, folder })
    } finally {
      await rm(toc, { force: true })
    }
  }

  /** Makes the folder and writes the files into it. */
  async fillNew(content: TreeContent, folder: string): Promise<void> {
    mkdirSync(folder, { mode: 0o755 })
    await this.fill(content, folder)
  }

  /** Removes the folders. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#made.values())
    for (const folder of this.#folders.splice(0)) await this.#services.removeTree(folder)
  }

  async #make(content: TreeContent): Promise<string> {
    const base = this.#services.folder()
    this.#folders.push(base)
    const folder = join(base, 'tree')
    await this.fillNew(content, folder)
    return folder
  }
}
