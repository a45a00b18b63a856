import { readFileSync } from 'node:fs'
import { chmod, readdir, rm } from 'node:fs/promises'
import { isErrno } from '../../error.ts'
import type { Handler } from '../protocol.ts'

/**
 * What is still mounted in the folder is let go of first, so that nothing outside of it is removed. Directories without
 * permissions are opened first where we are not really root.
 */
export const removeTree: Handler<'removeTree'> = async ({ path }) => {
  await letGo(path)
  try {
    await rm(path, { recursive: true, force: true })
  } catch (error) {
    if (!isErrno(error, 'EACCES', 'EPERM')) throw error
    await openUp(path)
    await rm(path, { recursive: true, force: true })
  }
  return null
}

/** The fifth word of a line is the mount point, with some characters in octal. Source: proc_pid_mountinfo(5). */
async function letGo(folder: string): Promise<void> {
  const points = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map(line =>
      (line.split(' ')[4] ?? '').replace(/\\(\d{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8))),
    )
    .filter(point => point.startsWith(`${folder}/`))
  if (points.length === 0) return
  const { unmountLazily } = await import('../syscalls.ts')
  for (const point of points.reverse()) unmountLazily(point)
}

async function openUp(folder: string): Promise<void> {
  await chmod(folder, 0o700)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await openUp(`${folder}/${entry.name}`)
  }
}
