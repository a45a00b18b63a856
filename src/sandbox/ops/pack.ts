import { open } from 'node:fs/promises'
import { writing } from '../../error.ts'
import { packLayer } from '../../layer/pack.ts'
import type { Handler } from '../protocol.ts'
import { contentOf } from './sources.ts'
import { readToc, writeToc } from './toc-files.ts'

export const pack: Handler<'pack'> = async (request, { signal }) => {
  const { toc, sources, compression, level, epoch, out, tocOut } = request
  const file = await open(out, 'wx')
  try {
    const { toc: packed, ...result } = await packLayer(await readToc(toc), contentOf(sources), {
      compression,
      ...(level === undefined ? {} : { level }),
      ...(epoch === undefined ? {} : { epoch }),
      signal,
      sink: chunk => writing(out, () => file.writeFile(chunk)),
    })
    await writeToc(tocOut, packed)
    return result
  } finally {
    await file.close()
  }
}
