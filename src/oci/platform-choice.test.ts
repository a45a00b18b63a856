import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePlatform } from './platform.ts'
import { choosePlatform, matchesPlatform } from './platform-choice.ts'

const ROWS: readonly (readonly [want: string, have: string, chosen: string | undefined])[] = [
  ['linux/amd64', 'linux/386 linux/amd64', 'linux/amd64'],
  ['linux/amd64', 'linux/amd64/v3 linux/amd64', 'linux/amd64'],
  ['linux/amd64', 'linux/amd64/v2', 'linux/amd64/v2'],
  ['linux/amd64', 'linux/386', undefined],
  ['linux/amd64', 'windows/amd64', undefined],
  ['linux/amd64/v3', 'linux/amd64 linux/amd64/v2 linux/amd64/v4', 'linux/amd64/v2'],
  ['linux/amd64/v3', 'linux/amd64 linux/amd64/v4', 'linux/amd64'],
  ['linux/amd64/v2', 'linux/amd64/v3', undefined],
  ['linux/arm', 'linux/arm/v5 linux/arm/v6 linux/arm/v7', 'linux/arm/v7'],
  ['linux/arm', 'linux/arm/v5 linux/arm/v6', 'linux/arm/v6'],
  ['linux/arm/v8', 'linux/arm/v5 linux/arm/v7 linux/arm/v6', 'linux/arm/v7'],
  ['linux/arm/v8', 'linux/arm', 'linux/arm'],
  ['linux/arm/v6', 'linux/arm/v7 linux/arm/v5', 'linux/arm/v5'],
  ['linux/arm/v5', 'linux/arm/v6 linux/arm/v7', undefined],
  ['linux/arm64', 'linux/arm linux/arm64/v8', 'linux/arm64/v8'],
  ['linux/arm64/v8', 'linux/arm64', 'linux/arm64'],
  ['linux/arm64', 'linux/arm/v7', undefined],
  ['linux/arm64/v8.2', 'linux/arm64 linux/arm64/v8.1 linux/arm64/v8.3', 'linux/arm64/v8.1'],
  ['linux/arm64/v9', 'linux/arm64 linux/arm64/v8.5 linux/arm64/v8.6', 'linux/arm64/v8.5'],
  ['linux/arm64/v9.1', 'linux/arm64/v8.6 linux/arm64/v9', 'linux/arm64/v9'],
  ['linux/ppc64le/power9', 'linux/ppc64le', 'linux/ppc64le'],
  ['linux/ppc64le/power9', 'linux/ppc64le/power10', undefined],
]

for (const [want, have, chosen] of ROWS) {
  test(`for ${want} of ${have}: ${chosen ?? 'none'}`, () => {
    const items = have.split(' ')
    const platformOf = (text: string) => {
      const [os = '', architecture = '', variant] = text.split('/')
      return { os, architecture, variant }
    }
    assert.equal(choosePlatform(items, platformOf, parsePlatform(want)), chosen)
    assert.equal(
      items.some(item => matchesPlatform(platformOf(item), parsePlatform(want))),
      chosen !== undefined,
    )
  })
}
