import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isErrno } from '../error.ts'

/** Folders on the store's file system that live as long as a build. */
export class ScratchFolders {
  readonly #prefix: string
  readonly #folders: string[] = []

  /** `prefix` is a path to which something is appended; with the lease's ID in it, what a killed build left is found. */
  constructor(prefix: string) {
    this.#prefix = prefix
  }

  readonly make = (): string => {
    const folder = mkdtempSync(this.#prefix)
    this.#folders.push(folder)
    return folder
  }

  remove(): void {
    for (const folder of this.#folders.splice(0)) removeFolder(folder)
  }
}

/** Also with folders in it that their owner may not write to, as archives can have them. */
function removeFolder(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true })
  } catch (error) {
    if (!isErrno(error, 'EACCES', 'EPERM')) throw error
    makeWritable(folder)
    rmSync(folder, { recursive: true, force: true })
  }
}

function makeWritable(folder: string): void {
  chmodSync(folder, 0o700)
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) makeWritable(join(folder, entry.name))
  }
}
