import { accessSync, constants, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { ShaleError } from '../error.ts'

/** Looks before the work whether the file that a flag names can be written after it. Throws `DESTINATION`. */
export function checkDestination(flag: string, file: string): void {
  const fail = (why: string) => {
    throw new ShaleError('DESTINATION', `cannot write ${flag} ${JSON.stringify(file)}: ${why}`, {
      hint: 'make the folder, or name another file',
    })
  }
  if (file === '') fail('the name is empty')
  const folder = dirname(resolve(file))
  const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
  if (!isFolder(folder)) fail(`${folder} is no folder`)
  if (isFolder(file)) fail('it is a folder')
  try {
    accessSync(folder, constants.W_OK)
  } catch {
    fail(`${folder} cannot be written to`)
  }
}
