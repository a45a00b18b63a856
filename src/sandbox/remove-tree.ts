import { rm } from 'node:fs/promises'
import { isErrno } from '../error.ts'

/**
 * Removes folders of a store that may hold files of mapped users: plainly where that is allowed, else through a helper
 * process, which is started for it. `root` is the store's folder. For `openStore`.
 */
export function treeRemover(root: string): (path: string) => Promise<void> {
  return async path => {
    try {
      await rm(path, { recursive: true, force: true })
    } catch (error) {
      if (process.geteuid?.() === 0 || !isErrno(error, 'EACCES', 'EPERM')) throw error
      await removeInHelper(root, path)
    }
  }
}

async function removeInHelper(root: string, path: string): Promise<void> {
  const { openHelper } = await import('./helper.ts')
  const helper = await openHelper({ root, runs: false })
  try {
    await helper.call('removeTree', { path })
  } finally {
    await helper.close()
  }
}
