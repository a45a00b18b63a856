import type { ByteString } from '../../layer/entry.ts'
import { layeredView } from '../../rootfs/view.ts'
import { ContextSource } from '../context.ts'
import { type Match, matchSource } from '../copy/match.ts'
import { type PlannedEntry, planCopy } from '../copy/plan.ts'
import type { CopySource } from '../copy/source.ts'

/** A part of a source, as the table of a tree of its own. */
export interface Subtree {
  readonly match: Match
  /** A file is the entry {@link SUBTREE_FILE}; of a folder the first entry is the folder itself, unless it is the root. */
  readonly planned: readonly PlannedEntry[]
  readonly isFile: boolean
}

/** The name of a file that is a whole subtree. */
export const SUBTREE_FILE: ByteString = 'file'

/** What is at a path, links followed; undefined when nothing is. `now` in seconds since 1970. */
export async function subtreeOf(source: CopySource, path: string, now: number): Promise<Subtree | undefined> {
  const word = path.replace(/[\\*?[]/g, '\\$&')
  const [match] = matchSource(source.view, word)
  const node = match && source.node(match.path)
  if (match === undefined || node === undefined) return undefined
  const isFile = node.entry.kind !== 'directory'
  if (!isFile && source instanceof ContextSource) await source.scan(match.path)
  const inside = planCopy({
    keyword: 'RUN --mount',
    target: layeredView([]),
    sources: [{ word, source }],
    words: 1,
    destination: isFile ? `/${SUBTREE_FILE}` : '/',
    workdir: '',
    now,
  })
  const own = isFile || match.path === '' ? [] : [{ entry: { ...node.entry, path: '' } }]
  return { match, planned: [...own, ...inside], isFile }
}
