import assert from 'node:assert/strict'
import { cpus } from 'node:os'
import { describe, test } from 'node:test'
import { CAPABILITIES, DEFAULT_CAPABILITIES } from '../sandbox/capabilities.ts'
import { bytes, capabilities, cpuCount, cpuset, device, sysctls, ulimit } from './isolation-values.ts'
import { resourcesOf } from './resource-flags.ts'

const without = (name: string) => DEFAULT_CAPABILITIES.filter(each => each !== name)

for (const [add, drop, expected] of [
  [[], [], undefined],
  [['SYS_ADMIN'], [], [...DEFAULT_CAPABILITIES, 'CAP_SYS_ADMIN']],
  [['cap_sys_admin', 'CAP_CHOWN'], [], [...DEFAULT_CAPABILITIES, 'CAP_SYS_ADMIN']],
  [[], ['chown'], without('CAP_CHOWN')],
  [[], ['all'], []],
  [['CHOWN,KILL'], ['ALL'], ['CAP_CHOWN', 'CAP_KILL']],
  [['ALL'], [], CAPABILITIES],
  [['ALL'], ['CHOWN'], CAPABILITIES.filter(name => name !== 'CAP_CHOWN')],
] as const) {
  test(`--cap-add ${add.join(' ')} --cap-drop ${drop.join(' ')}`, () =>
    assert.deepEqual(capabilities(add, drop), expected))
}

for (const [word, expected] of [
  ['/dev/fuse', { source: '/dev/fuse', target: '/dev/fuse', access: 'rwm' }],
  ['/dev/a:/dev/b', { source: '/dev/a', target: '/dev/b', access: 'rwm' }],
  ['/dev/a:rw', { source: '/dev/a', target: '/dev/a', access: 'rw' }],
  ['/dev/a:/dev/b:r', { source: '/dev/a', target: '/dev/b', access: 'r' }],
] as const) {
  test(`--device ${word}`, () => assert.deepEqual(device(word), expected))
}

for (const [word, expected] of [
  ['nofile=10', { type: 'RLIMIT_NOFILE', soft: 10, hard: 10 }],
  ['nofile=10:20', { type: 'RLIMIT_NOFILE', soft: 10, hard: 20 }],
  ['core=-1', { type: 'RLIMIT_CORE', soft: -1, hard: -1 }],
  ['core=0:-1', { type: 'RLIMIT_CORE', soft: 0, hard: -1 }],
] as const) {
  test(`--ulimit ${word}`, () => assert.deepEqual(ulimit(word), expected))
}

for (const [word, expected] of [
  ['6291456', 6291456],
  ['64m', 64 * 1024 ** 2],
  ['1.5GB', 1.5 * 1024 ** 3],
  ['10 KiB', 10240],
] as const) {
  test(`a size of ${word}`, () => assert.equal(bytes('memory', word), expected))
}

const PRIVATE = { network: false, ipc: false }
const HOST = { network: true, ipc: true }

test('settings of the container’s namespaces', () => {
  const words = ['net.core.somaxconn=9', 'kernel.msgmax=1', 'fs.mqueue.msg_max=2', 'net/ipv4/ip_forward=1']
  assert.deepEqual(sysctls(words, PRIVATE), {
    'net.core.somaxconn': '9',
    'kernel.msgmax': '1',
    'fs.mqueue.msg_max': '2',
    'net.ipv4.ip_forward': '1',
  })
})

describe('refused, in docker’s words', () => {
  const available = cpus().length
  for (const [name, use, message] of [
    ['a capability', () => capabilities(['FOO'], []), 'invalid CapAdd: unknown capability: "CAP_FOO"'],
    ['a capability', () => capabilities([], ['x']), 'invalid CapDrop: unknown capability: "CAP_X"'],
    ['a device', () => device('/dev/a:/dev/b:x'), 'bad mode specified: x'],
    ['a device', () => device('a'), 'invalid device specification: a: a is not an absolute path'],
    ['a sysctl', () => sysctls(['kernel.hostname=x'], PRIVATE), "sysctl 'kernel.hostname=x' is not allowed"],
    ['a sysctl', () => sysctls(['net.../../x=1'], PRIVATE), "sysctl 'net.../../x=1' is not allowed"],
    ['a sysctl', () => sysctls(['net.x=1'], HOST), "sysctl 'net.x' not allowed in host network namespace"],
    ['a sysctl', () => sysctls(['kernel.sem=1'], HOST), "sysctl 'kernel.sem' not allowed in host IPC namespace"],
    ['a limit', () => ulimit('nofile'), 'invalid ulimit argument: nofile'],
    ['a limit', () => ulimit('nofiles=1'), 'invalid ulimit type: nofiles'],
    ['a limit', () => ulimit('nofile=10:5'), 'ulimit soft limit must be less than or equal to hard limit: 10 > 5'],
    ['a set of CPUs', () => cpuset('a'), 'Invalid value a for cpuset cpus'],
    [
      'a set of CPUs',
      () => cpuset('0,99999'),
      `Requested CPUs are not available - requested 0,99999, available: 0-${available - 1}`,
    ],
    [
      'CPUs',
      () => cpuCount('99999'),
      `Range of CPUs is from 0.01 to ${available}.00, as there are only ${available} CPUs available`,
    ],
    ['CPUs', () => cpuCount('x'), 'invalid argument "x" for "--cpus" flag: failed to parse x as a rational number'],
    ['memory', () => resourcesOf({ memory: '1m' }), 'Minimum memory limit allowed is 6MB'],
    ['memory', () => resourcesOf({ memory: 'x' }), `invalid argument "x" for "--memory" flag: invalid size: 'x'`],
    [
      'memory',
      () => resourcesOf({ memorySwap: '64m' }),
      'You should always set the Memory limit when using Memoryswap limit, see usage',
    ],
    [
      'memory',
      () => resourcesOf({ memory: '64m', memorySwap: '32m' }),
      'Minimum memoryswap limit should be larger than memory limit, see usage',
    ],
    [
      'processes',
      () => resourcesOf({ pidsLimit: 'x' }),
      'invalid argument "x" for "--pids-limit" flag: it is not a whole number',
    ],
  ] as const) {
    test(`${name}: ${message}`, () => {
      assert.throws(use, { code: 'INVALID_OPTION', message })
    })
  }
})

test('what is 0 or unlimited is no limit', () => {
  assert.deepEqual(resourcesOf({ memory: '0', cpus: '0.0', cpuShares: '0', pidsLimit: '-1', cpusetCpus: '' }), {})
})

test('shares are brought into their range', () => {
  assert.deepEqual(resourcesOf({ cpuShares: '1' }), { cpuShares: 2 })
  assert.deepEqual(resourcesOf({ cpuShares: '999999' }), { cpuShares: 262144 })
})
