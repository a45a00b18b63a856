/** File-system bytes as a latin1-decoded string: each character is one byte. */
export type ByteString = string

export type TarKind = 'file' | 'directory' | 'symlink' | 'hardlink' | 'char' | 'block' | 'fifo'

export interface TarXattr {
  readonly name: string
  readonly value: ByteString
}

/** What a tar says of one member, with every extension (pax, GNU) already applied. */
export interface TarHeader {
  /** As in the archive, but without the slash at a directory's end: may begin with `/`, `./`, hold `..`. */
  readonly path: ByteString
  readonly kind: TarKind
  /** 0 to 0o7777. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Bytes of content, holes of sparse files included; 0 for everything but files. */
  readonly size: number
  /** Whole seconds since 1970, may be negative. */
  readonly mtime: number
  /** 0 to 999,999,999. */
  readonly mtimeNs: number
  /** Of symbolic and hard links; '' otherwise. */
  readonly target: ByteString
  /** Of devices; 0 otherwise. */
  readonly major: number
  readonly minor: number
  /** Sorted by name. */
  readonly xattrs: readonly TarXattr[]
}

/** What `encodeHeader` needs; every non-whiteout entry of a layer has this shape. */
export interface TarEntry {
  /** Clean and relative; a directory's slash is added, the root `''` becomes `./`. */
  readonly path: ByteString
  readonly kind: TarKind
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtime: number
  readonly mtimeNs: number
  readonly size?: number
  readonly target?: ByteString
  readonly major?: number
  readonly minor?: number
  readonly xattrs?: readonly TarXattr[]
}

export const BLOCK = 512

/** Bytes from `size` to the next whole block. */
export function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK
}

/** Positions and lengths of the fields of a ustar header block. Source: POSIX.1-2017, pax, "ustar Interchange Format". */
export const FIELD = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  linkname: [157, 100],
  magic: [257, 8],
  major: [329, 8],
  minor: [337, 8],
  prefix: [345, 155],
} as const satisfies Record<string, readonly [number, number]>

/** Sum of the bytes of the header at `at` with the checksum field read as spaces. */
export function checksum(bytes: Uint8Array, at = 0): number {
  let sum = 8 * 0x20
  for (let i = at; i < at + 148; i++) sum += bytes[i] as number
  for (let i = at + 156; i < at + BLOCK; i++) sum += bytes[i] as number
  return sum
}
