import { chmod, readdir, rm } from 'node:fs/promises'
import { isErrno } from '../../error.ts'
import type { Handler } from '../protocol.ts'

/** Nothing in the folder may be mounted. Directories without permissions are opened first where we are not really root. */
export const removeTree: Handler<'removeTree'> = async ({ path }) => {
  try {
    await rm(path, { recursive: true, force: true })
  } catch (error) {
    if (!isErrno(error, 'EACCES', 'EPERM')) throw error
    await openUp(path)
    await rm(path, { recursive: true, force: true })
  }
  return null
}

async function openUp(folder: string): Promise<void> {
  await chmod(folder, 0o700)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await openUp(`${folder}/${entry.name}`)
  }
}
