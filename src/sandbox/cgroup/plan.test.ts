import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type CgroupFacts, type CgroupHost, cgroupHost } from './host.ts'
import { planCgroups } from './plan.ts'

const V1 = `31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw`
const V2 = '31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate'
const SCOPE = '/user.slice/user-1000.slice/user@1000.service/app.slice'

function facts(more: Partial<CgroupFacts>): CgroupFacts {
  return { mountinfo: V2, cgroup: '0::/\n', root: true, read: () => undefined, writable: () => true, ...more }
}

describe('where groups can be made', () => {
  const cases: readonly (readonly [string, CgroupFacts, CgroupHost])[] = [
    [
      'root, version 1 with an empty version 2 beside it',
      facts({ mountinfo: V1, read: () => 'hugetlb' }),
      {
        memory: { version: 1, folder: '/sys/fs/cgroup/memory' },
        cpu: { version: 1, folder: '/sys/fs/cgroup/cpu,cpuacct' },
        cpuset: { version: 1, folder: '/sys/fs/cgroup/cpuset' },
      },
    ],
    [
      'root, version 2',
      facts({ read: path => (path === '/sys/fs/cgroup/cgroup.controllers' ? 'cpu memory pids\n' : undefined) }),
      {
        memory: { version: 2, folder: '/sys/fs/cgroup' },
        cpu: { version: 2, folder: '/sys/fs/cgroup' },
        pids: { version: 2, folder: '/sys/fs/cgroup' },
      },
    ],
    [
      'an ordinary user in a scope of systemd’s user manager',
      facts({
        root: false,
        cgroup: `0::${SCOPE}/run-1.scope\n`,
        read: path => (path === `/sys/fs/cgroup${SCOPE}/cgroup.subtree_control` ? 'memory pids' : ''),
      }),
      {
        memory: { version: 2, folder: `/sys/fs/cgroup${SCOPE}` },
        pids: { version: 2, folder: `/sys/fs/cgroup${SCOPE}` },
      },
    ],
    [
      'an ordinary user in a log-in session',
      facts({ root: false, cgroup: '0::/user.slice/user-1000.slice/session-1.scope\n', writable: () => false }),
      {},
    ],
    ['an ordinary user, version 1', facts({ root: false, mountinfo: V1, writable: () => false }), {}],
    ['no cgroups', facts({ mountinfo: '' }), {}],
  ]
  for (const [name, given, expected] of cases) test(name, () => assert.deepEqual(cgroupHost(given), expected))
})

const ALL = {
  memory: 64 * 1024 ** 2,
  memorySwap: 96 * 1024 ** 2,
  memoryReservation: 32 * 1024 ** 2,
  cpus: 1.5,
  cpuShares: 1024,
  cpusetCpus: '0',
  pidsLimit: 9,
}

function all(version: 1 | 2): CgroupHost {
  const folder = (name: string) => (version === 1 ? `/c/${name}` : '/c')
  return {
    memory: { version, folder: folder('memory') },
    cpu: { version, folder: folder('cpu') },
    cpuset: { version, folder: folder('cpuset') },
    pids: { version, folder: folder('pids') },
  }
}

function settings(version: 1 | 2, resources: Parameters<typeof planCgroups>[0]): readonly string[] {
  const { folders, warnings } = planCgroups(resources, all(version), 'id')
  assert.deepEqual(warnings, [])
  return folders.flatMap(({ folder, settings }) => settings.map(({ file, value }) => `${folder}/${file} ${value}`))
}

test('version 1 has a group in each hierarchy', () => {
  assert.deepEqual(settings(1, ALL), [
    '/c/memory/shale/id/memory.limit_in_bytes 67108864',
    '/c/memory/shale/id/memory.memsw.limit_in_bytes 100663296',
    '/c/memory/shale/id/memory.soft_limit_in_bytes 33554432',
    '/c/cpu/shale/id/cpu.cfs_period_us 100000',
    '/c/cpu/shale/id/cpu.cfs_quota_us 150000',
    '/c/cpu/shale/id/cpu.shares 1024',
    '/c/cpuset/shale/id/cpuset.cpus 0',
    '/c/pids/shale/id/pids.max 9',
  ])
})

test('version 2 has one group', () => {
  assert.deepEqual(settings(2, ALL), [
    '/c/shale/id/memory.max 67108864',
    '/c/shale/id/memory.swap.max 33554432',
    '/c/shale/id/memory.low 33554432',
    '/c/shale/id/cpu.max 150000 100000',
    '/c/shale/id/cpu.weight 39',
    '/c/shale/id/cpuset.cpus 0',
    '/c/shale/id/pids.max 9',
  ])
})

test('swap is as much as memory unless told, and can be unlimited', () => {
  const memory = 64 * 1024 ** 2
  assert.deepEqual(settings(2, { memory }).at(-1), `/c/shale/id/memory.swap.max ${memory}`)
  assert.deepEqual(settings(2, { memory, memorySwap: -1 }).at(-1), '/c/shale/id/memory.swap.max max')
  assert.deepEqual(settings(1, { memory }).at(-1), `/c/memory/shale/id/memory.memsw.limit_in_bytes ${memory * 2}`)
})

test('what cannot be had is told, the rest is had', () => {
  const { folders, warnings } = planCgroups(ALL, { pids: { version: 1, folder: '/c' } }, 'id')
  assert.deepEqual(
    folders.map(({ folder }) => folder),
    ['/c/shale/id'],
  )
  assert.equal(warnings.length, 3)
  assert.match(warnings[0] ?? '', /^memory limits cannot be set here and are discarded/)
})
