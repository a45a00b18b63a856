import assert from 'node:assert/strict'
import { decodeToc, encodeToc } from '../../../src/layer/toc-codec.ts'
import { refused, type Target } from '../target.ts'

/** What decodes, encodes and decodes to the same. */
export const target: Target = {
  words: [
    'shaletoc\x01',
    'shaletoc\x02',
    '\x00',
    '\x80\x80\x80\x80\x80\x80\x80\x01',
    '\xff\xff\xff\xff\x0f',
    'a/b',
    '..',
    '/',
  ],
  run(input) {
    const toc = refused(() => decodeToc(input))
    if (toc !== undefined) assert.deepEqual(decodeToc(encodeToc(toc)), toc)
  },
}
