import { diffTree } from '../../layer/diff.ts'
import type { Handler } from '../protocol.ts'
import { readView, writeToc } from './toc-files.ts'

export const diff: Handler<'diff'> = async ({ upper, below, skip, tocOut }, { host }) => {
  const view = await readView(below)
  const skipped = new Set(skip)
  const { toc } = await diffTree(upper, {
    overlay: host.rootless ? 'user' : 'trusted',
    lower: path => view.lookup(path),
    skip: path => skipped.has(path),
  })
  return writeToc(tocOut, toc)
}
