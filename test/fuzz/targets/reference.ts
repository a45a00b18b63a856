import assert from 'node:assert/strict'
import { familiarReference, formatReference, parseReference } from '../../../src/oci/reference.ts'
import { refused, type Target } from '../target.ts'

/** What is parsed and printed, completely or as docker shows it, parses to the same. */
export const target: Target = {
  words: [
    'docker.io/',
    'library/',
    'localhost',
    ':5000',
    '/',
    ':latest',
    '@sha256:',
    '0123456789abcdef',
    '__',
    '-',
    '[::1]',
  ],
  run(input) {
    const reference = refused(() => parseReference(input.toString('utf8')))
    if (reference === undefined) return
    assert.deepEqual(parseReference(formatReference(reference)), reference)
    assert.deepEqual(parseReference(familiarReference(reference)), reference)
  },
}
