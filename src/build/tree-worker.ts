import { randomUUID } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ByteString } from '../layer/entry.ts'
import type { PackedLayer } from '../layer/pack.ts'
import type { Toc } from '../layer/toc.ts'
import { decodeToc } from '../layer/toc-codec.ts'
import type { Digest } from '../oci/digest.ts'
import type { Compression } from '../oci/media-types.ts'
import type { Helper, RunOptions } from '../sandbox/helper.ts'
import type { ContentSource } from '../sandbox/layer-requests.ts'
import type { RunRequest, RunResult } from '../sandbox/run-request.ts'

export type { ContentSource } from '../sandbox/layer-requests.ts'

/** A table of contents goes between processes as the path of its encoded form, which is a blob of the store. */
export type TocPath = string

/** What must happen where files of other users can be made and read: in the helper process. */
export interface TreeWorker {
  /** Unpacks a layer's blob into an empty folder; `below` tell the attributes of directories that it only implies. */
  applyBlob(request: {
    readonly blob: string
    readonly compression: Compression
    readonly diffId?: Digest | undefined
    readonly folder: string
    readonly below: readonly TocPath[]
  }): Promise<void>
  writeTree(request: {
    readonly toc: TocPath
    readonly sources: readonly ContentSource[]
    readonly folder: string
  }): Promise<void>
  /** What a run has changed compared to the layers below. */
  diff(request: { readonly upper: string; readonly below: readonly TocPath[] }): Promise<Toc>
  /** `out` is written and must not exist. */
  pack(request: {
    readonly toc: TocPath
    readonly sources: readonly ContentSource[]
    readonly compression: Compression
    readonly level?: number | undefined
    readonly out: string
  }): Promise<Omit<PackedLayer, 'toc'>>
  /** A small file of a tree. */
  readFile(root: string, path: ByteString): Promise<Uint8Array>
  removeTree(path: string): Promise<void>
  run(request: RunRequest, options: RunOptions): Promise<RunResult>
}

/** The worker in front of a helper process; `temp` is a folder on the store's file system. */
export function treeWorker(helper: Helper, temp: string): TreeWorker {
  const withToc = async <T>(work: (tocOut: string) => Promise<T>): Promise<T> => {
    const tocOut = join(temp, `toc-${randomUUID()}`)
    try {
      return await work(tocOut)
    } finally {
      await rm(tocOut, { force: true })
    }
  }
  return {
    applyBlob: ({ diffId, ...request }) =>
      withToc(async tocOut => {
        await helper.call('applyBlob', { ...request, ...(diffId !== undefined && { expected: { diffId } }), tocOut })
      }),
    writeTree: async request => {
      await helper.call('writeTree', request)
    },
    diff: request =>
      withToc(async tocOut => {
        await helper.call('diff', { ...request, tocOut })
        return decodeToc(await readFile(tocOut))
      }),
    pack: ({ level, ...request }) => helper.call('pack', { ...request, ...(level !== undefined && { level }) }),
    readFile: (root, path) => helper.call('readFile', { root, path }),
    removeTree: async path => {
      await helper.call('removeTree', { path })
    },
    run: (request, options) => helper.run(request, options),
  }
}
