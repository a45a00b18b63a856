import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { idMappings, mappingArguments, parseSubIds, userNamespace } from './identity.ts'
import { namespacesForbidden } from './unavailable.ts'

describe('ranges of /etc/subuid', () => {
  for (const [name, text, expected] of [
    ['by name', 'ann:100000:65536\nbob:165536:65536\n', [{ start: 165536, count: 65536 }]],
    ['by number', '1000:5:6\n', [{ start: 5, count: 6 }]],
    [
      'several',
      'bob:1:2\nbob:10:20',
      [
        { start: 1, count: 2 },
        { start: 10, count: 20 },
      ],
    ],
    ['bad lines', 'bob:x:2\nbob:1\nbob:1:0\nbob:-1:5\nbob:1:2:3\n\n# bob:1:2', []],
    ['a name that begins the same', 'bobby:1:2', []],
  ] as const) {
    test(name, () => assert.deepEqual(parseSubIds(text, { uid: 1000, name: 'bob' }), expected))
  }

  test('follow one another from 1, after ourselves', () => {
    const mappings = idMappings(1000, [
      { start: 100000, count: 65536 },
      { start: 500000, count: 10 },
    ])
    assert.equal(mappingArguments(mappings).join(' '), '0 1000 1 1 100000 65536 65537 500000 10')
  })
})

describe('what forbids namespaces', () => {
  const open = {
    maxUserNamespaces: '9000',
    unprivilegedClone: undefined,
    appArmorRestriction: undefined,
    inContainer: false,
  }
  for (const [name, settings, hint] of [
    ['switched off', { ...open, maxUserNamespaces: '0' }, /user\.max_user_namespaces/],
    ['Debian’s setting', { ...open, unprivilegedClone: '0' }, /kernel\.unprivileged_userns_clone=1/],
    ['Ubuntu 24.04', { ...open, appArmorRestriction: '1' }, /apparmor_restrict_unprivileged_userns=0/],
    ['a namespace without users', { ...open, inContainer: true, withoutUsers: true }, /unshare --map-root-user/],
    ['Docker', { ...open, inContainer: true }, /seccomp=unconfined/],
  ] as const) {
    test(name, () => {
      const error = namespacesForbidden('Operation not permitted', true, settings)
      assert.equal(error.code, 'SANDBOX_UNAVAILABLE')
      assert.match(error.hint ?? '', hint)
    })
  }
})

describe('the user namespace that we are in', () => {
  for (const [map, kind] of [
    ['         0          0 4294967295\n', 'host'],
    ['         0       1000          1\n', 'single'],
    ['      1000          0          1\n', 'single'],
    ['         0       1000          1\n         1     100000      65536\n', 'whole'],
    ['', 'none'],
  ] as const) {
    test(`${JSON.stringify(map)} is ${kind}`, () => assert.deepEqual(userNamespace(map), { kind }))
  }
})
