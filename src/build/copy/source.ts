import type { ByteString, Entry } from '../../layer/entry.ts'
import type { FileView } from '../../rootfs/view.ts'
import type { FileStat } from '../../store/file-stat.ts'
import type { LayerRecord } from '../../store/types.ts'

/** Where a planned file's bytes are. */
export type Origin =
  /** `stat` is what the stat index needs to know the file again. */
  | { readonly kind: 'host'; readonly path: string | Buffer; readonly stat?: FileStat | undefined }
  | { readonly kind: 'inline'; readonly data: Buffer }
  /** A file of a layer, at its path there. */
  | { readonly kind: 'layer'; readonly record: LayerRecord; readonly path: ByteString }

/** One path of a source. */
export interface SourceNode {
  readonly path: ByteString
  /** A further name of a file of the source is a file like its first. */
  readonly entry: Entry
  /** Where the bytes are; absent for what is no file. */
  readonly origin?: Origin | undefined
  /** Names of one file share a group; absent for a file with one name. */
  readonly group?: string | undefined
}

/** What COPY and ADD read from: the build context, an image or a stage. */
export interface CopySource {
  readonly view: FileView
  /** What is at the path; a symlink is not followed. */
  node(path: ByteString): SourceNode | undefined
  /** What is directly in a directory, names in byte order. */
  nodes(directory: ByteString): readonly SourceNode[]
  /** The error for a source that is not there, as helpful as the source can make it. */
  missing(pattern: string): Error
}

/** The path of what has this name in the directory. */
export function below(directory: ByteString, name: ByteString): ByteString {
  return directory === '' ? name : name === '' ? directory : `${directory}/${name}`
}
