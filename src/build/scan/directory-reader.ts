import type { ByteString } from '../../layer/entry.ts'

/** A name in a directory: bytes of a buffer that are valid only while they are looked at; a NUL follows them. */
export type VisitName = (bytes: Buffer, start: number, end: number) => void

/**
 * Reads a tree of directories: the current one is that which was entered last and not left. Errors are those of node:fs
 * in `code`. A symbolic link is never followed.
 */
export interface DirectoryReader {
  /** Enters a directory of the current one; the first is the folder to be read, by its absolute path. */
  enter(name: ByteString): void
  leave(): void
  /** Visits the names in the current directory, in any order, without `.` and `..`. */
  names(visit: VisitName): void
  /** Writes the stat of the name being visited (see store/file-stat); false when it is gone. */
  stat(bytes: Buffer, start: number, end: number, words: Uint32Array, at: number): boolean
}
