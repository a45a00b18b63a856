import assert from 'node:assert/strict'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { makeTrees, type Trees } from './testing.ts'
import { makeMappedUser, makeSingleUser, removeUsers, runAs } from './testing-users.ts'

const asRoot = process.getuid?.() === 0
const USERS = { mapped: 'shale-mapped', single: 'shale-single' } as const

/** Why these tests cannot run on this machine; false if they can. */
function obstacle(): string | false {
  const why = makeMappedUser(USERS.mapped, 700_000_000)
  if (why === false) makeSingleUser(USERS.single)
  return why
}

describe('as an ordinary user', { skip: obstacle() }, () => {
  let trees: Trees
  before(() => {
    trees = makeTrees()
  })
  after(() => {
    trees.remove()
    removeUsers(Object.values(USERS))
  })

  test('commands run isolated, as any user of the image', { timeout: 30_000 }, () => {
    const status = trees.request(['cat', '/proc/self/status'], { uid: 33, gid: 33, networkMode: 'none' })
    const files = trees.request([
      'sh',
      '-c',
      'touch /a /b; busybox chown 1000:1000 /a; stat -c %u:%g /a; rm /bin/yes; echo $$',
    ])
    const open = trees.request([
      'sh',
      '-c',
      'echo x > /proc/sys/kernel/core_pattern; wc -c < /proc/keys; ls /sys | wc -l; hostname',
    ])
    const missing = trees.request(['nope'])
    const output = runAs(USERS.mapped, trees, [status, files, open, missing])
    assert.deepEqual([output.rootless, output.limits], [true, []])
    const [first, second, third, fourth] = output.results
    assert.match(first?.out ?? '', /^Uid:\s*33\s/m)
    assert.match(first?.out ?? '', /^CapBnd:\s*00000000a80425fb$/m)
    if (['x64', 'arm64'].includes(process.arch)) assert.match(first?.out ?? '', /^Seccomp:\s*2$/m)
    assert.partialDeepStrictEqual(second, { exitCode: 0, out: '1000:1000\n1\n' })
    assert.match(third?.out ?? '', /^0\n[1-9]\d*\nshale\n$/)
    assert.equal(fourth?.exitCode, 127)
    assert.notEqual(statSync(join(files.upper, 'a')).uid, statSync(join(files.upper, 'b')).uid)
    assert.equal(existsSync(join(status.upper, 'etc')), false)
  })

  test('files of mapped users can be removed', { timeout: 30_000 }, () => {
    const request = trees.request(['sh', '-c', 'mkdir /d; touch /d/f; busybox chown -R 5:5 /d; chmod 0 /d'])
    runAs(USERS.mapped, trees, [request], [request.upper, request.work])
    assert.deepEqual([existsSync(request.upper), existsSync(request.work)], [false, false])
  })

  test('without ranges there is one user, and the limit is told', {
    timeout: 30_000,
    skip: !asRoot && 'needs root',
  }, () => {
    const output = runAs(USERS.single, trees, [trees.request(['id', '-u'])])
    assert.equal(output.results[0]?.out, '0\n')
    assert.match(output.limits.join(), /shale-single has no range in \/etc\/subuid/)
  })
})
