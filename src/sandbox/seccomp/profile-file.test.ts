import assert from 'node:assert/strict'
import { test } from 'node:test'
import { securityOptions } from '../security-options.ts'
import { parseProfile } from './profile-file.ts'

test('a profile in docker’s format is read', () => {
  const text = JSON.stringify({
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 1,
    archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: null }],
    syscalls: [
      {
        names: ['read'],
        action: 'SCMP_ACT_ALLOW',
        comment: 'of the author',
        args: null,
        includes: { caps: ['CAP_BPF'] },
      },
      { name: 'write', action: 'SCMP_ACT_ALLOW', args: [], excludes: {} },
    ],
  })
  assert.deepEqual(parseProfile(text, 'p.json'), {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 1,
    archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: null }],
    syscalls: [
      { names: ['read'], action: 'SCMP_ACT_ALLOW', includes: { caps: ['CAP_BPF'] } },
      { names: ['write'], action: 'SCMP_ACT_ALLOW', args: [], excludes: {} },
    ],
  })
})

for (const [what, profile, message] of [
  ['no JSON', '{', /it is not JSON/],
  ['no default action', {}, /defaultAction/],
  ['an unknown action', { defaultAction: 'ALLOW' }, /defaultAction/],
  ['a listener', { defaultAction: 'SCMP_ACT_ALLOW', listenerPath: '/x' }, /listener/],
  [
    'an argument that there is not',
    {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['read'], action: 'SCMP_ACT_LOG', args: [{ index: 6, value: 0, op: 'SCMP_CMP_EQ' }] }],
    },
    /syscalls\.0\.args\.0\.index/,
  ],
  [
    'name and names',
    { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ name: 'read', names: ['write'], action: 'SCMP_ACT_LOG' }] },
    /use either 'name' or 'names'/,
  ],
  [
    'architectures twice',
    {
      defaultAction: 'SCMP_ACT_ALLOW',
      architectures: ['SCMP_ARCH_X86_64'],
      archMap: [{ architecture: 'SCMP_ARCH_X86_64' }],
    },
    /both 'architectures' and 'archMap'/,
  ],
] as const) {
  test(`${what} is refused, with the file’s name`, () => {
    const text = typeof profile === 'string' ? profile : JSON.stringify(profile)
    assert.throws(() => parseProfile(text, 'p.json'), { code: 'SECCOMP_PROFILE', message })
    assert.throws(() => parseProfile(text, 'p.json'), { message: /p\.json/ })
  })
}

for (const [words, expected] of [
  [[], {}],
  [['seccomp=unconfined'], { seccomp: 'unconfined' }],
  [['seccomp:unconfined', 'no-new-privileges'], { seccomp: 'unconfined', noNewPrivileges: true }],
  [['no-new-privileges:true', 'no-new-privileges=false'], { noNewPrivileges: false }],
  [['systempaths=unconfined', 'apparmor=unconfined', 'label=disable'], { unmaskedPaths: true }],
] as const) {
  test(`--security-opt ${words.join(' ')}`, async () => assert.deepEqual(await securityOptions(words), expected))
}

for (const word of ['', 'seccomp', 'no-new-privileges=x', 'apparmor=mine', 'label=type:x', 'systempaths=ro', 'x=y']) {
  test(`--security-opt ${JSON.stringify(word)} is refused`, async () =>
    assert.rejects(securityOptions([word]), { code: 'INVALID_SECURITY_OPT' }))
}

test('a profile that is not there is named', async () => {
  await assert.rejects(securityOptions(['seccomp=/nowhere.json']), {
    code: 'SECCOMP_PROFILE',
    message: /^opening seccomp profile \(\/nowhere\.json\) failed/,
  })
})
