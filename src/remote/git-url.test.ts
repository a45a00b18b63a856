import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type GitSource, parseGitUrl } from './git-url.ts'

const COMMIT = 'a'.repeat(40)

const ADDRESSES: readonly (readonly [text: string, expected: Partial<GitSource> | undefined])[] = [
  ['https://example.com/app.git', { remote: 'https://example.com/app.git' }],
  ['https://example.com/app.git#main', { ref: 'main' }],
  ['https://example.com/app.git#main:a/b', { ref: 'main', subdir: 'a/b' }],
  ['https://example.com/app.git#:./a/', { ref: undefined, subdir: 'a' }],
  [`https://example.com/app.git#${COMMIT}`, { ref: COMMIT }],
  ['https://me:secret@example.com/app.git', { shown: 'https://example.com/app.git' }],
  ['https://example.com/app.git?branch=x', { remote: 'https://example.com/app.git', ref: 'refs/heads/x' }],
  ['https://example.com/app.git?tag=v1#refs/tags/v1', { ref: 'refs/tags/v1' }],
  ['https://example.com/app.git?ref=x&subdir=y', { ref: 'x', subdir: 'y' }],
  ['https://example.com/app.git?commit=abcdef1', { commit: 'abcdef1' }],
  ['https://example.com/app.git?keep-git-dir', { keepGitDir: true }],
  ['https://example.com/app.git?keep-git-dir=false&submodules=false', { keepGitDir: false, submodules: false }],
  ['git@example.com:me/app.git#v1', { remote: 'git@example.com:me/app.git', ref: 'v1' }],
  ['ssh://git@example.com/app', { remote: 'ssh://git@example.com/app' }],
  ['git://example.com/app', { remote: 'git://example.com/app' }],
  ['file:///srv/app', { remote: 'file:///srv/app' }],
  ['github.com/me/app', { remote: 'https://github.com/me/app' }],
  ['https://example.com/app.tar.gz', undefined],
  ['https://example.com/app', undefined],
  ['./app.git', undefined],
  ['folder', undefined],
]

test('addresses of repositories, and what is none', () => {
  for (const [text, expected] of ADDRESSES) {
    const found = parseGitUrl(text)
    if (expected === undefined) assert.equal(found, undefined, text)
    else for (const [key, value] of Object.entries(expected)) assert.equal(found?.[key as keyof GitSource], value, text)
  }
})

const REFUSED: readonly (readonly [text: string, why: RegExp])[] = [
  ['https://example.com/app.git?tag=v1#refs/heads/main', /ref conflicts/],
  ['https://example.com/app.git?banana=1', /unexpected query "banana"/],
  ['https://example.com/app.git#--upload-pack=x', /is no ref/],
  ['https://example.com/app.git#a b', /is no ref/],
  ['https://example.com/app.git#main:../x', /leads out/],
  ['https://example.com/app.git?submodules=maybe', /true or false/],
  ['https://me:secret@example.com/app.git?banana=1', /address https:\/\/example\.com/],
]

test('what an address may not ask for is named, without its password', () => {
  for (const [text, why] of REFUSED) {
    assert.throws(
      () => parseGitUrl(text),
      (error: Error) => why.test(error.message) && !error.message.includes('secret'),
      text,
    )
  }
})
