import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Helper, openHelper } from './helper.ts'
import type { RunConfig, RunResult } from './run-request.ts'
import { filterArchs } from './seccomp/numbers.ts'
import type { SeccompProfile } from './seccomp/spec.ts'
import { collector, makeTrees, type Trees } from './testing.ts'

const filtered = filterArchs(process.arch).length > 0

describe('system calls of a container', { skip: !filtered && 'no table of this machine’s system calls' }, () => {
  let trees: Trees
  let helper: Helper
  before(async () => {
    trees = makeTrees()
    helper = await openHelper({ root: trees.root })
  })
  after(async () => {
    await helper.close()
    trees.remove()
  })

  async function sh(script: string, more?: Partial<RunConfig>): Promise<RunResult & { out: string; err: string }> {
    const output = collector()
    const result = await helper.run(trees.request(['sh', '-c', script], more), output)
    return { ...result, out: output.text(), err: output.text('stderr') }
  }

  const status = 'busybox grep -E "^(Seccomp|NoNewPrivs|CapEff|CapPrm):" /proc/self/status'
  const facts = ({ out }: { out: string }) =>
    Object.fromEntries(
      out
        .trim()
        .split('\n')
        .map(line => line.split(/:\s*/)),
    )

  for (const [name, config, expected] of [
    ['root', {}, { NoNewPrivs: '0', Seccomp: '2', CapEff: '00000000a80425fb', CapPrm: '00000000a80425fb' }],
    ['another user', { uid: 1000 }, { NoNewPrivs: '0', Seccomp: '2', CapEff: '0'.repeat(16), CapPrm: '0'.repeat(16) }],
    ['no-new-privileges', { noNewPrivileges: true }, { NoNewPrivs: '1', Seccomp: '2' }],
    ['another user, no-new-privileges', { uid: 1000, noNewPrivileges: true }, { NoNewPrivs: '1', Seccomp: '2' }],
    ['unconfined', { seccomp: 'unconfined' }, { Seccomp: '0', CapEff: '00000000a80425fb' }],
    ['privileged', { privileged: true }, { Seccomp: '0' }],
    ['fewer capabilities', { capabilities: ['CAP_CHOWN'] }, { Seccomp: '2', CapEff: '0000000000000001' }],
  ] as const) {
    test(`${name}: ${JSON.stringify(expected)}`, async () => {
      assert.partialDeepStrictEqual(facts(await sh(status, config)), expected)
    })
  }

  test('a namespace cannot be made, unless the profile is taken away', async () => {
    const { err } = await sh('busybox unshare -U true')
    assert.match(err, /unshare.*Operation not permitted/)
    assert.equal((await sh('busybox unshare -U true', { seccomp: 'unconfined' })).exitCode, 0)
  })

  test('a profile of one’s own', async () => {
    const profile: SeccompProfile = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 }],
    }
    assert.match((await sh('mkdir /x', { seccomp: profile })).err, /No space left on device/)
  })

  test('a profile that refuses execve has the command fail, and says so', async () => {
    const profile: SeccompProfile = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['execve'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 }],
    }
    assert.partialDeepStrictEqual(await helper.run(trees.request(['true'], { seccomp: profile })), { exitCode: 126 })
  })
})
