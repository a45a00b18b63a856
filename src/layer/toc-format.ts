import type { Entry } from './entry.ts'

/**
 * The binary form of a table of contents, version 1. Numbers are LEB128 varints of at most 53 bits, signed ones zigzag;
 * strings are a length and that many bytes.
 *
 *     magic        9 bytes: "shaletoc" then 0x01 (with times) or 0x02 (without, only ever hashed)
 *     entries      number of rows
 *     files        number of rows of kind file
 *     attributes   count, then mode, uid, gid each
 *     xattr sets   count, then for each: count, then name and value strings
 *     digests      32 bytes for each file, in row order
 *     rows         one for each entry:
 *       flags      1 byte: kind (3 bits, index into KINDS), 8 = opaque directory, 16 = has xattrs
 *       path       bytes in common with the row before, then the rest as a string
 *       hardlink:  row number of its file, and nothing else: metadata is the file's
 *       whiteout:  nothing else
 *       others:    attributes number, [xattr set number], [mtime minus that of the last row with one, ns], then
 *                  file: size; symlink: target string; char and block: major, minor
 */
export const KINDS = [
  'file',
  'directory',
  'symlink',
  'hardlink',
  'char',
  'block',
  'fifo',
  'whiteout',
] as const satisfies readonly Entry['kind'][]

export const TOC_MAGIC = {
  full: Buffer.from('shaletoc\x01', 'latin1'),
  content: Buffer.from('shaletoc\x02', 'latin1'),
} as const

/** Bounds on what is accepted from outside. */
export const TOC_LIMITS = {
  bytes: 1 << 30,
  entries: 4_000_000,
  path: 4095,
  component: 255,
  target: 4095,
  xattrName: 255,
  xattrValue: 65_536,
  xattrsOfEntry: 1024,
  /** Bytes of all extended attributes of a layer, and of all paths and link targets, while it is read. */
  xattrsOfLayer: 1 << 26,
  namesOfLayer: 1 << 28,
} as const
