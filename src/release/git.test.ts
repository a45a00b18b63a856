import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseStatus, sourceUrl } from './git.ts'

const REMOTES: readonly (readonly [remote: string, url: string | undefined])[] = [
  ['https://github.com/org/app.git', 'https://github.com/org/app'],
  ['https://user:secret@git.example.com:8443/org/app', 'https://git.example.com:8443/org/app'],
  ['http://git.example.com/app.git', 'http://git.example.com/app'],
  ['git@github.com:org/app.git', 'https://github.com/org/app'],
  ['github.com:org/app', 'https://github.com/org/app'],
  ['ssh://git@git.example.com:2222/org/app.git', 'https://git.example.com/org/app'],
  ['git://git.example.com/app.git', 'https://git.example.com/app'],
  ['/srv/git/app.git', undefined],
  ['../app', undefined],
  ['file:///srv/git/app.git', undefined],
  ['', undefined],
]

for (const [remote, url] of REMOTES) {
  test(`the source of remote ${JSON.stringify(remote)}`, () => assert.equal(sourceUrl(remote), url))
}

test('a status names its commit, branch and what differs', () => {
  const hash = 'f'.repeat(40)
  const lines = [
    `# branch.oid ${hash}`,
    '# branch.head feature/x',
    '# branch.upstream origin/feature/x',
    `1 .M N... 100644 100644 100644 ${hash} ${hash} src/a file.ts`,
    `2 R. N... 100644 100644 100644 ${hash} ${hash} R100 new name`,
    'old name',
    `u UU N... 100644 100644 100644 100644 ${hash} ${hash} ${hash} both`,
    '? untracked',
    '',
  ]
  assert.deepEqual(parseStatus(lines.join('\0')), {
    revision: hash,
    branch: 'feature/x',
    changed: ['src/a file.ts', 'new name', 'both', 'untracked'],
  })
  assert.deepEqual(parseStatus('# branch.oid (initial)\0# branch.head (detached)\0'), {
    revision: undefined,
    branch: undefined,
    changed: [],
  })
})
