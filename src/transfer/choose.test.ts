import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sha256 } from '../oci/digest.ts'
import type { Index } from '../oci/manifest.ts'
import { MediaType } from '../oci/media-types.ts'
import { parsePlatform } from '../oci/platform.ts'
import { chooseManifest } from './choose.ts'

function indexWith(...platforms: readonly (string | undefined)[]): Index {
  const manifests = platforms.map((text = '') => {
    const [os = '', architecture = '', variant] = text.split('/')
    const platform = { os, architecture, ...(variant && { variant }) }
    return { mediaType: MediaType.ociManifest, digest: sha256(text), size: 1, ...(text !== '' && { platform }) }
  })
  return { schemaVersion: 2, manifests }
}

const DEBIAN = indexWith(
  'linux/amd64',
  'linux/arm/v5',
  'linux/arm/v7',
  'linux/arm64/v8',
  'unknown/unknown',
  'linux/386',
)

const ROWS: readonly (readonly [want: string, index: Index, chosen: string])[] = [
  ['linux/amd64', DEBIAN, 'linux/amd64'],
  ['linux/arm64', DEBIAN, 'linux/arm64/v8'],
  ['linux/aarch64', DEBIAN, 'linux/arm64/v8'],
  ['linux/arm', DEBIAN, 'linux/arm/v7'],
  ['linux/arm/v7', DEBIAN, 'linux/arm/v7'],
  ['linux/arm/v6', DEBIAN, 'linux/arm/v5'],
  ['linux/386', DEBIAN, 'linux/386'],
  ['linux/amd64', indexWith('linux/amd64/v3', 'linux/amd64'), 'linux/amd64'],
  ['linux/amd64', indexWith(undefined), ''],
]

for (const [want, index, chosen] of ROWS) {
  test(`for ${want} of ${index.manifests.length} manifests: ${chosen || 'the one without a platform'}`, () => {
    assert.equal(chooseManifest(index, parsePlatform(want), 'debian').digest, sha256(chosen))
  })
}

test('what is missing is named with what there is, attestations left out', () => {
  assert.throws(() => chooseManifest(DEBIAN, parsePlatform('linux/s390x'), 'debian'), {
    code: 'NO_PLATFORM',
    message: 'debian has no image for linux/s390x',
    hint: 'it has linux/amd64, linux/arm/v5, linux/arm/v7, linux/arm64, linux/386; choose with --platform',
  })
})
