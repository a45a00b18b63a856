import { fromByteString } from '../../layer/entry.ts'
import type { Ingredient } from '../../store/types.ts'
import type { BuildContext } from '../build-context.ts'
import { archiveSource, isArchive } from '../copy/archive-source.ts'
import { matchSource } from '../copy/match.ts'
import type { CopySource } from '../copy/source.ts'
import { fileDigest } from '../hash-files.ts'

/** A source word of COPY or ADD and what it reads from. */
export interface SourceWord {
  readonly word: string
  readonly source: CopySource
}

/** The words with those that name archives of the context replaced by what is in the archives. */
export async function unpackArchives(
  context: BuildContext,
  words: readonly SourceWord[],
): Promise<readonly SourceWord[]> {
  const unpacked: SourceWord[] = []
  for (const word of words) unpacked.push(...(await unpack(context, word)))
  return unpacked
}

/** The digest of every archive that the words name; undefined when they name anything else besides. */
export async function archiveIngredients(
  { source, known }: BuildContext,
  words: readonly SourceWord[],
): Promise<readonly Ingredient[] | undefined> {
  const ingredients: Ingredient[] = []
  for (const word of words) {
    if (word.source !== source) return undefined
    const matches = matchSource(source.view, word.word)
    if (matches.length === 0) return undefined
    for (const { path } of matches) {
      const isFile = source.view.lookup(path)?.kind === 'file'
      if (!isFile || !(await isArchive(source.hostPath(path)))) return undefined
      const name = fromByteString(path)
      ingredients.push({ name: `archive ${name}`, value: `sha256:${fileDigest(name, source.origin(path), known)}` })
    }
  }
  return ingredients
}

async function unpack(context: BuildContext, word: SourceWord): Promise<readonly SourceWord[]> {
  const { source } = context
  if (word.source !== source) return [word]
  const result: SourceWord[] = []
  for (const { name, path } of matchSource(source.view, word.word)) {
    const host = source.hostPath(path)
    const archive = source.view.lookup(path)?.kind === 'file' && (await isArchive(host))
    if (archive) result.push({ word: '.', source: await archiveSource(host, context.scratchFolder()) })
    else result.push({ word: escapeWord(name), source })
  }
  return result.length === 0 ? [word] : result
}

/** A name that was found, as a word that names just it. */
function escapeWord(name: string): string {
  return Buffer.from(name, 'latin1')
    .toString('utf8')
    .replace(/[\\*?[]/g, '\\$&')
}
