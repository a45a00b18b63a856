import { writeTree } from '../../layer/apply.ts'
import type { Handler } from '../protocol.ts'
import { contentOf } from './sources.ts'
import { readToc, treeOptions, writeToc } from './toc-files.ts'

export const writeTreeFromSources: Handler<'writeTree'> = async (request, { host, signal }) => {
  const { toc, sources, folder, below, tocOut } = request
  const options = await treeOptions(host, below, signal)
  return writeToc(tocOut, await writeTree(await readToc(toc), contentOf(sources), folder, options))
}
