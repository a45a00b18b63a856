// One of the threads of pack.ts: does the phase that it is told to do and says when it is done.
import { createHash } from 'node:crypto'
import { closeSync, fsyncSync, lstatSync, mkdirSync, openSync, readdirSync, readSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { constants, deflateRawSync, zstdCompressSync } from 'node:zlib'
import type { Phase, WorkerData } from './pack.ts'

const FRAME = 1 << 20
const { context, share, shares, out, compression } = workerData as WorkerData

const files: { readonly path: string; readonly size: number }[] = []
let content: Buffer = Buffer.alloc(0)
let compressed: readonly Buffer[] = []

function walk(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`
    const { size } = lstatSync(path)
    if (entry.isDirectory()) walk(path)
    else if (entry.isFile()) files.push({ path, size })
  }
}

/** The folders two levels down are dealt out to the threads in turn. */
function walkShare(): void {
  let turn = 0
  const mine = () => turn++ % shares === share
  const deal = (folder: string, depth: number): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (entry.isDirectory() && depth < 1) deal(path, depth + 1)
      else if (!mine()) continue
      else if (entry.isDirectory()) walk(path)
      else if (entry.isFile()) files.push({ path, size: lstatSync(path).size })
    }
  }
  deal(context, 0)
}

function read(): void {
  content = Buffer.allocUnsafe(files.reduce((sum, file) => sum + file.size, 0))
  // Memory that is touched for the first time costs a fault for every page; that is not part of reading.
  content.fill(0)
}

function readAll(): void {
  let at = 0
  for (const { path, size } of files) {
    const file = openSync(path, 'r')
    at += readSync(file, content, at, size, 0)
    closeSync(file)
  }
}

/** Once by file, once as a layer's stream. */
function hash(): void {
  let at = 0
  for (const { size } of files) {
    createHash('sha256')
      .update(content.subarray(at, at + size))
      .digest()
    at += size
  }
  createHash('sha256').update(content).digest()
}

function compress(): void {
  const params = { [constants.ZSTD_c_compressionLevel]: 1 }
  const one = (frame: Buffer) =>
    compression === 'gzip' ? deflateRawSync(frame, { level: 6 }) : zstdCompressSync(frame, { params })
  const frames = Array.from({ length: Math.ceil(content.length / FRAME) }, (_, i) => i * FRAME)
  compressed = frames.map(at => one(content.subarray(at, at + FRAME)))
}

function write(): void {
  const file = openSync(join(out, `blob-${share}`), 'w')
  for (const frame of compressed) writeSync(file, frame)
  fsyncSync(file)
  closeSync(file)
}

function unpack(): void {
  const made = new Set<string>()
  let at = 0
  for (const { path, size } of files) {
    const target = join(out, path.slice(context.length))
    if (!made.has(dirname(target))) mkdirSync(dirname(target), { recursive: true })
    made.add(dirname(target))
    const file = openSync(target, 'w')
    writeSync(file, content, at, size)
    closeSync(file)
    at += size
  }
}

const PHASES: Readonly<Record<Phase, () => void>> = {
  walk: walkShare,
  prepare: read,
  read: readAll,
  hash,
  compress,
  write,
  unpack,
}

parentPort?.on('message', (phase: Phase) => {
  PHASES[phase]()
  parentPort?.postMessage('done')
})
