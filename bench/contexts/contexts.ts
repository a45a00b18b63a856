import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { cached, keyOf } from '../../scripts/bases/cache.ts'
import { noise, programText } from './text.ts'
import { writeTree } from './tree.ts'

const MB = 1_000_000
/** A context is made anew when what makes it changes. */
const MAKERS = ['contexts.ts', 'text.ts', 'tree.ts', '../../test/build/generated.ts']
const VERSION = keyOf(...MAKERS.map(name => readFileSync(join(import.meta.dirname, name))))

/** A node_modules-like tree; see `writeTree`. 80,000 files are 600 MB. */
export function treeContext(files: number): Promise<string> {
  return generated(`tree-${files}`, folder => writeTree(folder, files))
}

/** `count` files of 40 MB: every other one text, every other one not compressible. */
export function largeContext(count: number): Promise<string> {
  return generated(`large-${count}`, folder => {
    const text = programText(8 * MB, 3)
    for (let i = 0; i < count; i++) {
      const own = i % 2 === 0 ? noise(40 * MB, i + 1) : rotated(text, i, 40 * MB)
      writeFileSync(join(folder, `data-${i}.bin`), own)
    }
  })
}

/** One stock of text again and again, each time from another place, so that no two files are equal. */
function rotated(stock: Buffer, turn: number, bytes: number): Buffer {
  const all = Buffer.allocUnsafe(bytes)
  for (let at = 0, from = (turn * 104_729) % stock.length; at < bytes; from = 0) {
    at += stock.copy(all, at, from)
  }
  return all
}

/** One file of `bytes` bytes: a MB of text, then a hole. It takes no room, yet is read, hashed and packed as any other. */
export function hugeContext(bytes: number): Promise<string> {
  return generated(`huge-${bytes}`, folder => {
    const file = openSync(join(folder, 'huge.bin'), 'wx')
    writeSync(file, programText(MB, 4))
    ftruncateSync(file, bytes)
    closeSync(file)
  })
}

/** A small Java-like project of eight source files for the multi-stage Dockerfile. */
export function projectContext(): Promise<string> {
  return generated('project', folder => {
    const sources = join(folder, 'src/main/java/org/example/orders')
    mkdirSync(sources, { recursive: true })
    writeFileSync(join(folder, 'pom.xml'), programText(4_000, 5))
    for (let i = 0; i < 8; i++) writeFileSync(join(sources, `Orders${i}.java`), programText(6_000, 6 + i))
  })
}

/** An empty folder, for Dockerfiles that take nothing from their context. */
export function emptyContext(): Promise<string> {
  return generated('empty', () => {})
}

function generated(name: string, write: (folder: string) => void): Promise<string> {
  return cached(`bench/${name}-${VERSION}`, async folder => {
    mkdirSync(folder, { recursive: true })
    write(folder)
  })
}
