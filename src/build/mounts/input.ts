import { type ByteString, type Entry, fromByteString } from '../../layer/entry.ts'
import { type Toc, tocOf } from '../../layer/toc.ts'
import type { BuildContext } from '../build-context.ts'
import { ContextSource } from '../context.ts'
import type { PlannedEntry } from '../copy/plan.ts'
import { type FromSource, fromSource } from '../from.ts'
import { hashPlanned } from '../hash-files.ts'
import type { StepPosition } from '../ops/step-position.ts'
import type { ChainLayer } from '../stage-state.ts'
import { SUBTREE_FILE, subtreeOf } from './subtree.ts'

/** The files that a mount shows, and where they are. */
export interface MountInput {
  /** Paths are relative to the mounted folder; a mounted file is the entry {@link SUBTREE_FILE}. */
  readonly toc: Toc
  readonly planned: readonly PlannedEntry[]
  /** What to mount of the tree: `''`, or {@link SUBTREE_FILE}. */
  readonly path: ByteString
  /** The layers that have the files, and the path there; absent where they have to be written first. */
  readonly chain?: { readonly layers: readonly ChainLayer[]; readonly path: ByteString } | undefined
  /** What people call a path of the table. */
  readonly sourceName: (path: string) => string
}

/** What `from=` and `source=` of a mount name. Throws the source's error when there is no such path. */
export async function mountInput(
  context: BuildContext,
  { from, source = '' }: { readonly from?: string | undefined; readonly source?: string | undefined },
  at: StepPosition,
): Promise<MountInput> {
  const origin: FromSource = from === undefined ? { source: context.source } : await fromSource(context, from, at)
  const files = origin.source
  const subtree = await subtreeOf(files, source, context.now)
  if (subtree === undefined) throw files.missing(source)
  const { match, isFile } = subtree
  const known = files instanceof ContextSource ? files.known : context.known
  const all = hashPlanned(subtree.planned, known)
  return {
    toc: tocOf(all.map(({ entry }) => entry)),
    planned: all,
    path: isFile ? SUBTREE_FILE : '',
    chain: origin.layers && { layers: origin.layers, path: match.path },
    sourceName: path => nameIn(match.name, path, isFile),
  }
}

function nameIn(source: ByteString, path: string, isFile: boolean): string {
  const top = fromByteString(source)
  if (isFile) return top
  return [top, path].filter(part => part !== '').join('/') || '.'
}

/** The tables of several mounts as one, each below its number. */
export function joinInputs(inputs: readonly MountInput[]): {
  readonly toc: Toc
  readonly sourceName: (path: string) => string
} {
  const entries = inputs.flatMap(({ toc }, index) => toc.entries.map(entry => moved(entry, String(index))))
  return {
    toc: tocOf(entries),
    sourceName: path => {
      const [index = '', ...rest] = path.replace(/^\//, '').split('/')
      return inputs[Number(index)]?.sourceName(rest.join('/')) ?? path
    },
  }
}

function moved(entry: Entry, folder: ByteString): Entry {
  const path = entry.path === '' ? folder : `${folder}/${entry.path}`
  return entry.kind === 'hardlink' ? { ...entry, path, target: `${folder}/${entry.target}` } : { ...entry, path }
}
