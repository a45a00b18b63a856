import type { ByteString, DirectoryEntry } from '../layer/entry.ts'
import type { PackedLayer } from '../layer/pack.ts'
import type { Toc } from '../layer/toc.ts'
import type { Digest } from '../oci/digest.ts'
import type { Compression } from '../oci/media-types.ts'
import type { RunOutput, RunRequest, RunResult } from '../sandbox/run-request.ts'

/** Where the bytes of a table's files are, one for each entry of kind file in the table's order. */
export type FileContents = readonly (string | Buffer | { readonly data: Uint8Array })[]

/** What must happen where files of other users can be made and read: in the helper process. */
export interface TreeWorker {
  /** Unpacks a layer's blob into an empty folder; `implied` are directories that it lacks, as lower layers have them. */
  applyBlob(request: {
    readonly blob: string
    readonly compression: Compression
    readonly diffId?: Digest | undefined
    readonly directory: string
    readonly implied: readonly DirectoryEntry[]
  }): Promise<void>
  writeTree(request: { readonly toc: Toc; readonly contents: FileContents; readonly directory: string }): Promise<void>
  /** What a run has changed; entries equal to those of the lower trees stay out. */
  diff(request: { readonly upper: string; readonly lowers: readonly string[] }): Promise<Toc>
  pack(request: {
    readonly toc: Toc
    readonly contents: FileContents
    readonly compression: Compression
    readonly level?: number | undefined
    /** The file to write; it does not exist yet. */
    readonly output: string
  }): Promise<PackedLayer>
  /** A small file of a tree; links are not followed. */
  readFile(directory: string, path: ByteString): Promise<Buffer>
  run(
    request: RunRequest,
    options: { readonly onOutput?: (output: RunOutput) => void; readonly signal?: AbortSignal | undefined },
  ): Promise<RunResult>
}
