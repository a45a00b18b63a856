import { constants } from 'node:fs'
import { isErrno } from '../../error.ts'
import type { ByteString } from '../../layer/entry.ts'
import type { ContextFilter } from '../context.ts'
import type { DirectoryReader } from './directory-reader.ts'
import { FileTable } from './file-table.ts'
import { NodeReader } from './node-reader.ts'

/** Loading the library for system calls takes as long as node:fs takes for this many nodes. */
const FEW = 2000

/** The kernel's limit for a path in bytes, its end included; what is below cannot be read by its path. */
const PATH_MAX = 4096

/**
 * All nodes of the folder that the filter lets through. `folder` is absolute, `path` is what the filter calls it. A
 * directory that cannot be read is noted in the table, for it may be one that nobody asks for.
 */
export async function scanFolder(folder: ByteString, path: ByteString, filter: ContextFilter): Promise<FileTable> {
  const few = new Walk(new NodeReader(), filter, FEW).run(folder, path)
  if (few !== undefined) return few
  const reader = (await nativeReader()) ?? new NodeReader()
  return new Walk(reader, filter).run(folder, path) as FileTable
}

/** Undefined where the calls are missing, as on macOS. */
export async function nativeReader(): Promise<DirectoryReader | undefined> {
  if (process.platform !== 'linux') return undefined
  try {
    const { NativeReader } = await import('./native-reader.ts')
    return new NativeReader()
  } catch {
    return undefined
  }
}

/** One walk over a folder; `limit` is how many nodes it may find before it gives up. */
export class Walk {
  readonly #reader: DirectoryReader
  readonly #filter: ContextFilter
  readonly #limit: number
  readonly #table = new FileTable()
  /** Ignored directories that may hold something that is not; they show when they do. */
  readonly #doubtful = new Set<number>()

  constructor(reader: DirectoryReader, filter: ContextFilter, limit = Number.POSITIVE_INFINITY) {
    this.#reader = reader
    this.#filter = filter
    this.#limit = limit
  }

  /** Undefined when there are more nodes than the limit. */
  run(folder: ByteString, path: ByteString): FileTable | undefined {
    this.#table.stats[this.#table.nextStat()] = constants.S_IFDIR
    this.#table.add(0, Buffer.alloc(0), 0, 0)
    this.#directory(0, folder, path, false)
    return this.#tooMany ? undefined : this.#table
  }

  get #tooMany(): boolean {
    return this.#table.count > this.#limit
  }

  /** `kept`: everything below is let through. */
  #directory(row: number, name: ByteString, path: ByteString, kept: boolean): void {
    const table = this.#table
    if (!this.#enter(row, name, path)) return
    try {
      const keeps = kept || this.#filter.keeps(path)
      const first = table.count
      this.#list(row, path, keeps)
      const end = table.count
      table.setChildren(row, first, end)
      for (let child = first; child < end && !this.#tooMany; child++) {
        if (!table.isDirectory(child)) continue
        const childName = table.name(child)
        this.#directory(child, childName, join(path, childName), keeps)
        if (this.#doubtful.has(child) && !this.#shows(child)) table.leaveOut(child)
      }
    } finally {
      this.#reader.leave()
    }
  }

  #enter(row: number, name: ByteString, path: ByteString): boolean {
    try {
      if (path.length >= PATH_MAX) throw new Error('its path is too long')
      this.#reader.enter(name)
      return true
    } catch (error) {
      this.#table.fail(row, error)
      return false
    }
  }

  #list(row: number, path: ByteString, keeps: boolean): void {
    try {
      this.#reader.names((bytes, start, end) => {
        if (this.#tooMany) return
        if (keeps) this.#add(row, bytes, start, end)
        else this.#addUnlessIgnored(row, join(path, bytes.toString('latin1', start, end)), bytes, start, end)
      })
    } catch (error) {
      if (!isErrno(error)) throw error
      this.#table.fail(row, error)
    }
  }

  #addUnlessIgnored(parent: number, path: ByteString, bytes: Buffer, start: number, end: number): void {
    const ignored = this.#filter.ignores(path)
    if (ignored && this.#filter.prunes(path)) return
    const row = this.#add(parent, bytes, start, end)
    if (!ignored || row === undefined) return
    if (this.#table.isDirectory(row)) this.#doubtful.add(row)
    else this.#table.leaveOut(row)
  }

  #add(parent: number, bytes: Buffer, start: number, end: number): number | undefined {
    const table = this.#table
    const at = table.nextStat()
    return this.#reader.stat(bytes, start, end, table.stats, at) ? table.add(parent, bytes, start, end) : undefined
  }

  #shows(directory: number): boolean {
    const [first, end] = this.#table.children(directory)
    for (let row = first; row < end; row++) if (!this.#table.isLeftOut(row)) return true
    return false
  }
}

function join(directory: ByteString, name: ByteString): ByteString {
  return directory === '' ? name : `${directory}/${name}`
}
