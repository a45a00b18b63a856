import { lstatSync, readdirSync } from 'node:fs'
import { type ByteString, toFsPath } from '../../layer/entry.ts'
import { writeStat } from '../../store/file-stat.ts'
import type { DirectoryReader, VisitName } from './directory-reader.ts'

/** Reads directories with node:fs alone: on every system, and without loading anything. */
export class NodeReader implements DirectoryReader {
  readonly #paths: ByteString[] = []
  /** The name being visited. */
  #name = ''

  enter(name: ByteString): void {
    this.#paths.push(this.#paths.length === 0 ? name : this.#below(name))
  }

  leave(): void {
    this.#paths.pop()
  }

  names(visit: VisitName): void {
    for (const name of readdirSync(toFsPath(this.#paths.at(-1) ?? ''), { encoding: 'latin1' })) {
      this.#name = name
      visit(Buffer.from(`${name}\0`, 'latin1'), 0, name.length)
    }
  }

  stat(_bytes: Buffer, _start: number, _end: number, words: Uint32Array, at: number): boolean {
    const stat = lstatSync(toFsPath(this.#below(this.#name)), { bigint: true, throwIfNoEntry: false })
    if (stat === undefined) return false
    writeStat(words, at, stat)
    return true
  }

  #below(name: ByteString): ByteString {
    return `${this.#paths.at(-1)}/${name}`
  }
}
