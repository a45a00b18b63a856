import { createReadStream } from 'node:fs'
import { applyLayer } from '../../layer/apply.ts'
import { openLayer } from '../../layer/read.ts'
import type { Handler } from '../protocol.ts'
import { treeOptions, writeToc } from './toc-files.ts'

const READ_SIZE = 1024 * 1024

export const applyBlob: Handler<'applyBlob'> = async (request, { host, signal }) => {
  const { blob, compression, expected, folder, below, tocOut } = request
  const options = await treeOptions(host, below, signal)
  const reading = openLayer(createReadStream(blob, { highWaterMark: READ_SIZE, signal }), compression, expected)
  const toc = await applyLayer(reading.members, folder, options)
  return { ...(await writeToc(tocOut, toc)), diffId: reading.diffId() }
}
