import type { Content } from '../layer/content.ts'
import type { ByteString, DirectoryEntry, Entry } from '../layer/entry.ts'
import { parentPath } from '../layer/entry.ts'

/** Entries of a layer in the making, and the content of its files. */
export interface LayerFiles {
  readonly entries: readonly Entry[]
  readonly contents: ReadonlyMap<ByteString, Content>
}

/** Modes and owners of what is made here; times are seconds since 1970. */
export interface FileAttributes {
  readonly mode?: number | undefined
  readonly uid?: number | undefined
  readonly gid?: number | undefined
}

/** Collects files that come from no package; all have the same time. */
export class MadeFiles {
  readonly #mtime: number
  readonly #entries: Entry[] = []
  readonly #contents = new Map<ByteString, Content>()

  constructor(mtime: number) {
    this.#mtime = mtime
  }

  directory(path: ByteString, attributes: FileAttributes = {}): void {
    this.#entries.push(this.#directory(path, attributes))
  }

  file(path: ByteString, text: string | Uint8Array, attributes: FileAttributes = {}): void {
    const content = Buffer.from(text)
    this.#parents(path)
    this.#entries.push({
      ...{ kind: 'file', path, size: content.byteLength, digest: '' },
      ...this.#common(attributes, 0o644),
    })
    this.#contents.set(path, content)
  }

  link(path: ByteString, target: ByteString): void {
    this.#parents(path)
    this.#entries.push({ kind: 'symlink', path, target, ...this.#common({}, 0o777) })
  }

  /** Folders come first, so that a package's own attributes for them count. */
  files(): LayerFiles {
    return { entries: this.#entries, contents: this.#contents }
  }

  #parents(path: ByteString): void {
    const parent = parentPath(path)
    if (parent === '') return
    this.#parents(parent)
    this.#entries.push(this.#directory(parent, {}))
  }

  #directory(path: ByteString, attributes: FileAttributes): DirectoryEntry {
    return { kind: 'directory', path, ...this.#common(attributes, 0o755) }
  }

  #common({ mode, uid = 0, gid = 0 }: FileAttributes, usual: number) {
    return { mode: mode ?? usual, uid, gid, mtime: this.#mtime, mtimeNs: 0 }
  }
}
