import { open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ShaleError } from '../error.ts'

/** Under another name first, so that a failure leaves no half archive and spoils no earlier one. */
export async function writeFileWhole(path: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  const there = await stat(path).catch(() => undefined)
  const isOrdinary = there === undefined || there.isFile()
  const target = isOrdinary ? `${path}.${process.pid}.part` : path
  const file = await open(target, 'w', 0o600).catch(error => {
    throw error.code === 'ENOENT' ? noFolder(path, error) : error
  })
  try {
    for await (const chunk of bytes) await file.writeFile(chunk)
    await file.close()
    if (isOrdinary) await rename(target, path)
  } catch (error) {
    await file.close().catch(() => undefined)
    if (isOrdinary) await rm(target, { force: true })
    throw error
  }
}

function noFolder(path: string, cause: unknown): ShaleError {
  const folder = JSON.stringify(dirname(path))
  return new ShaleError(
    'NO_OUTPUT_FOLDER',
    `cannot write ${JSON.stringify(path)}: the folder ${folder} does not exist`,
    {
      hint: 'make it first, or check the path',
      cause,
    },
  )
}
