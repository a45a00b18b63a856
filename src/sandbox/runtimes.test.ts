import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { cgroupHost } from './cgroup/host.ts'
import { limits } from './cgroup/limits.ts'
import { type Helper, openHelper } from './helper.ts'
import type { Isolation } from './isolation.ts'
import type { RunConfig, RunRequest, RunResult } from './run-request.ts'
import { collector, makeTrees, type Trees } from './testing.ts'

const RUNTIMES: readonly NonNullable<Isolation['runtime']>[] = ['builtin', 'runc', 'crun']

function obstacle(runtime: string): string | false {
  const missing = spawnSync('sh', ['-c', `PATH=$PATH:/usr/sbin command -v ${runtime}`]).status !== 0
  return runtime !== 'builtin' && missing && `needs ${runtime} (apt-get install ${runtime})`
}

for (const runtime of RUNTIMES) {
  describe(`the same bundle with ${runtime}`, { skip: obstacle(runtime) }, () => {
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

    async function sh(
      script: string,
      more: Partial<RunConfig> = {},
      rest: Partial<RunRequest> = {},
    ): Promise<RunResult & { out: string; err: string }> {
      const output = collector()
      const result = await helper.run(trees.request(['sh', '-c', script], { runtime, ...more }, rest), output)
      return { ...result, out: output.text(), err: output.text('stderr') }
    }

    test('output, input and exit code', async () => {
      const result = await sh('echo out; echo err >&2; cat; exit 3', { stdio: Buffer.from('in') })
      assert.partialDeepStrictEqual(result, { exitCode: 3, out: 'out\nin', err: 'err\n' })
    })

    test('capabilities, filter, user and groups are the bundle’s', async () => {
      const { out } = await sh('cat /proc/self/status; hostname; pwd', {
        uid: 1000,
        gid: 1001,
        additionalGids: [7],
        cwd: '/bin',
        hostname: 'box',
        noNewPrivileges: true,
      })
      assert.match(out, /^Uid:\s*1000\s/m)
      assert.match(out, /^Gid:\s*1001\s/m)
      assert.match(out, /^Groups:.*\b7\b/m)
      assert.match(out, /^CapEff:\s*0+$/m)
      assert.match(out, /^CapBnd:\s*00000000a80425fb$/m)
      assert.match(out, /^NoNewPrivs:\s*1$/m)
      assert.match(out, /^Seccomp:\s*2$/m)
      assert.match(out, /box\n\/bin\n$/)
    })

    test('mounts and files in memory leave nothing behind', async () => {
      const source = trees.tree(`${runtime}-source`)
      const request = trees.request(
        ['sh', '-c', 'cat /run/deep/secret /etc/hostname; touch /mnt/x/made; test -d /var/tmpfs; touch /kept'],
        { runtime, hostname: 'box' },
        {
          mounts: [
            { kind: 'file', target: '/run/deep/secret', content: 's3cret\n', mode: 0o400 },
            { kind: 'bind', source, target: '/mnt/x' },
            { kind: 'tmpfs', target: '/var/tmpfs' },
          ],
        },
      )
      const output = collector()
      assert.equal((await helper.run(request, output)).exitCode, 0, output.text('stderr'))
      assert.equal(output.text(), 's3cret\nbox\n')
      assert.deepEqual(readdirSync(source), ['made'])
      assert.deepEqual(readdirSync(request.upper), ['kept'])
      await helper.call('removeTree', { path: request.work })
    })

    for (const [args, exitCode] of [
      [['nope'], 127],
      [['/bin/nope'], 127],
      [['/bin'], 126],
    ] as const) {
      test(`${args[0]} cannot be started: ${exitCode}`, async () => {
        const result = await helper.run(trees.request(args, { runtime }))
        assert.equal(result.exitCode, exitCode)
        assert.match(result.startError ?? '', /\S/)
      })
    }

    test('limits of memory and processes', {
      skip: (cgroupHost().memory === undefined || cgroupHost().pids === undefined) && 'no cgroups that we may use',
    }, async () => {
      const resources = { memory: 16 * 1024 ** 2, memorySwap: 16 * 1024 ** 2, pidsLimit: 5 }
      const { cgroups } = limits(resources)
      const eater = 'dd if=/dev/zero of=/dev/null bs=64M count=1; echo $?'
      assert.equal((await sh(eater, { resources }, { cgroups })).out, '137\n')
      const again = limits(resources)
      const bomb = 'for i in 1 2 3 4 5 6 7 8 9; do sleep 0.1 & done; wait'
      assert.match((await sh(bomb, { resources }, { cgroups: again.cgroups })).err, /can't fork/)
    })

    test('signals are the command’s', { timeout: 10_000 }, async () => {
      const request = trees.request(['sh', '-c', 'trap "exit 7" TERM; echo up; while :; do sleep 0.05; done'], {
        runtime,
      })
      let stop: (() => void) | undefined
      const result = await helper.run(request, {
        onRunning: command => {
          stop = () => command.signal('SIGTERM')
        },
        onOutput: () => stop?.(),
      })
      assert.equal(result.exitCode, 7)
    })

    test('aborting ends everything at once', { timeout: 10_000 }, async () => {
      const abort = new AbortController()
      const request = trees.request(['sh', '-c', 'echo up; sleep 77 & sleep 77'], { runtime })
      const onOutput = (): void => abort.abort(new Error('enough'))
      await assert.rejects(helper.run(request, { signal: abort.signal, onOutput }), { message: 'enough' })
    })

    test('a setup that fails says so, and is over', { timeout: 10_000 }, async () => {
      await assert.rejects(sh('true', { networkMode: 'none', sysctls: { 'net.core.nope': '1' } }), { message: /nope/ })
      mkdirSync(join(trees.root, `after-${runtime}`))
      assert.equal((await sh('true')).exitCode, 0)
    })
  })
}

test('a runtime that is not installed is named', async () => {
  const trees = makeTrees()
  const helper = await openHelper({ root: trees.root })
  try {
    // No machine has one of this name.
    const runtime = 'shale-none' as 'crun'
    await assert.rejects(helper.run(trees.request(['true'], { runtime })), {
      code: 'RUNTIME_MISSING',
      message: 'the runtime shale-none is not installed',
    })
    assert.equal(readFileSync('/proc/self/mountinfo', 'utf8').includes(trees.root), false)
  } finally {
    await helper.close()
    trees.remove()
  }
})
