import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { cgroupHost } from './cgroup/host.ts'
import { limits } from './cgroup/limits.ts'
import type { Resources } from './cgroup/resources.ts'
import { type Helper, openHelper } from './helper.ts'
import type { RunConfig, RunResult } from './run-request.ts'
import { collector, makeTrees, type Trees } from './testing.ts'

const host = cgroupHost()
const possible = host.memory !== undefined && host.pids !== undefined && host.cpu !== undefined

describe('what a container may use and see', () => {
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

  async function sh(script: string, more: Partial<RunConfig> = {}): Promise<RunResult & { out: string; err: string }> {
    const output = collector()
    const { cgroups } = limits(more.resources)
    const result = await helper.run(trees.request(['sh', '-c', script], more, { cgroups }), output)
    for (const { folder } of cgroups) assert.equal(existsSync(folder), false, `${folder} is left behind`)
    return { ...result, out: output.text(), err: output.text('stderr') }
  }

  describe('by cgroups', { skip: !possible && 'no cgroup controllers that this user may use' }, () => {
    const version = host.memory?.version
    const files =
      version === 1
        ? { memory: 'memory/memory.limit_in_bytes', pids: 'pids/pids.max', cpu: 'cpu*/cpu.cfs_quota_us' }
        : { memory: 'memory.max', pids: 'pids.max', cpu: 'cpu.max' }
    const cases: readonly (readonly [Resources, string, RegExp])[] = [
      [{ memory: 64 * 1024 ** 2 }, files.memory, /^67108864$/m],
      [{ memory: 6 * 1024 ** 2 }, files.memory, /^6291456$/m],
      [{ pidsLimit: 50 }, files.pids, /^50$/m],
      [{ cpus: 0.5 }, files.cpu, /^50000\b/m],
    ]
    for (const [resources, file, expected] of cases) {
      test(`${JSON.stringify(resources)}: the command finds its limit, and nothing of the host’s groups`, async () => {
        const { out } = await sh(`cat /sys/fs/cgroup/${file}; ls -d /sys/fs/cgroup/*/shale /sys/fs/cgroup/shale`, {
          resources,
        })
        assert.match(out, expected)
        assert.doesNotMatch(out, /shale/)
      })
    }

    test('limits cannot be raised from inside', async () => {
      const { exitCode } = await sh(`echo -1 > /sys/fs/cgroup/${files.memory}`, {
        resources: { memory: 64 * 1024 ** 2 },
      })
      assert.notEqual(exitCode, 0)
    })

    test('a command that takes more memory is ended, and the result says why', async () => {
      const resources = { memory: 16 * 1024 ** 2, memorySwap: 16 * 1024 ** 2 }
      const { cgroups } = limits(resources)
      const args = ['dd', 'if=/dev/zero', 'of=/dev/null', 'bs=64M', 'count=1']
      const output = collector()
      const result = await helper.run(trees.request(args, { resources }, { cgroups }), output)
      assert.deepEqual(result, { exitCode: 137, signal: 'SIGKILL', oomKilled: true })
      assert.equal(output.text('stderr'), '')
    })

    test('a fork bomb stops at the limit of processes', async () => {
      const script = 'for i in 1 2 3 4 5 6 7 8 9; do sleep 0.1 & done; wait'
      const { err } = await sh(script, { resources: { pidsLimit: 5 } })
      assert.match(err, /can't fork/)
    })
  })

  test('the size of /dev/shm', async () => {
    assert.match((await sh('busybox df -k /dev/shm', { shmSize: 1024 ** 2 })).out, /\s1024\s/)
    assert.match((await sh('busybox df -k /dev/shm')).out, /\s65536\s/)
  })

  test('settings of its own network and IPC, which the host’s are not', async () => {
    const sysctls = { 'net.core.somaxconn': '99', 'kernel.msgmax': '4096' }
    const { out } = await sh('cat /proc/sys/net/core/somaxconn /proc/sys/kernel/msgmax', {
      networkMode: 'none',
      sysctls,
    })
    assert.equal(out, '99\n4096\n')
    const after = await sh('cat /proc/sys/kernel/msgmax', { networkMode: 'none' })
    assert.notEqual(after.out, '4096\n')
  })

  test('a setting that there is not is named', async () => {
    await assert.rejects(sh('true', { networkMode: 'none', sysctls: { 'net.core.nope': '1' } }), {
      code: 'SYSCTL',
      message: /net\.core\.nope/,
    })
  })

  test('a device of the host', async () => {
    const devices = [{ source: '/dev/zero', target: '/dev/nothing', access: 'rwm' }]
    assert.equal((await sh('head -c 3 /dev/nothing | wc -c', { devices })).out, '3\n')
  })

  for (const [source, access, message] of [
    ['/dev/nope', 'rwm', /"\/dev\/nope": no such file or directory/],
    ['/etc', 'rwm', /"\/etc": not a device node/],
    ['/dev/zero', 'r', /cannot give it for r only/],
  ] as const) {
    test(`a device ${source} for ${access} is refused by name`, async () => {
      await assert.rejects(sh('true', { devices: [{ source, target: '/dev/x', access }] }), { code: 'DEVICE', message })
    })
  }

  test('IPC is its own, or none, or the host’s', async () => {
    const namespace = 'readlink /proc/self/ns/ipc'
    const own = await sh(namespace)
    const host = await sh(namespace, { ipc: 'host' })
    assert.notEqual(own.out, host.out)
    assert.match((await sh('test -e /dev/shm || echo none', { ipc: 'none' })).out, /none/)
  })

  test('a score for when memory runs out', async () => {
    assert.equal((await sh('cat /proc/self/oom_score_adj', { oomScoreAdj: 500 })).out, '500\n')
  })

  test('privileged has all devices, and /proc writable', async () => {
    const { out } = await sh('ls /dev; test -w /proc/sys/kernel/hostname && echo writable', { privileged: true })
    assert.match(out, /^writable$/m)
    if (existsSync('/dev/fuse')) assert.match(out, /^fuse$/m)
  })

  test('a first process that is killed has ended by the signal, and nobody complains in its output', async () => {
    const profile = {
      seccomp: { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['uname'], action: 'SCMP_ACT_KILL_PROCESS' }] },
    } as const
    const output = collector()
    const result = await helper.run(trees.request(['busybox', 'uname'], profile), output)
    assert.equal(result.signal, 'SIGSYS')
    assert.equal(output.text('stderr'), '')
  })
})
