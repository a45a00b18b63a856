import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type Helper, openHelper } from './helper.ts'
import type { RunConfig, RunRequest, RunResult } from './run-request.ts'
import { collector, makeTrees, type Trees } from './testing.ts'

describe('run', () => {
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
    more?: Partial<RunConfig>,
    rest?: Partial<RunRequest>,
  ): Promise<RunResult & { out: string; err: string }> {
    const output = collector()
    const result = await helper.run(trees.request(['sh', '-c', script], more, rest), output)
    return { ...result, out: output.text(), err: output.text('stderr') }
  }

  for (const [script, expected] of [
    ['exit 0', { exitCode: 0 }],
    ['exit 3', { exitCode: 3 }],
    ['exec nope', { exitCode: 127 }],
    ["sh -c 'kill -TERM $$; true'; exit $?", { exitCode: 143 }],
  ] as const) {
    test(`exit code of: ${script}`, async () => {
      assert.partialDeepStrictEqual(await sh(script), expected)
    })
  }

  for (const [name, args, exitCode, startError] of [
    ['not in PATH', ['nope'], 127, 'exec: "nope": executable file not found in $PATH'],
    ['no such file', ['/bin/nope'], 127, 'exec: "/bin/nope": stat /bin/nope: no such file or directory'],
    ['a directory', ['/bin'], 126, 'exec: "/bin": is a directory'],
    ['not executable', ['/etc/hosts'], 126, 'exec: "/etc/hosts": permission denied'],
  ] as const) {
    test(`a command that is ${name} has Docker’s words and exit code ${exitCode}`, async () => {
      assert.deepEqual(await helper.run(trees.request(args)), { exitCode, startError, oomKilled: false })
    })
  }

  test('aborting ends the command at once and rejects with the reason', { timeout: 10_000 }, async () => {
    const abort = new AbortController()
    const onOutput = (): void => abort.abort(new Error('enough'))
    const request = trees.request(['sh', '-c', 'echo up; sleep 100 & sleep 100'], { uid: 1000 })
    await assert.rejects(helper.run(request, { signal: abort.signal, onOutput }), { message: 'enough' })
    assert.equal(readdirSync(join(request.work, 'mnt')).length, 0)
  })

  test('a run that is aborted before it begins does not begin', async () => {
    const signal = AbortSignal.abort(new Error('never'))
    await assert.rejects(async () => helper.run(trees.request(['true']), { signal }), { message: 'never' })
  })

  test('the command is process 1, alone, with a host name of its own', async () => {
    const { out } = await sh('echo $$; echo /proc/[0-9]*; hostname; cat /etc/hostname', { hostname: 'box' })
    assert.deepEqual(out.split('\n'), ['1', '/proc/1', 'box', 'box', ''])
  })

  test('root keeps Docker’s 14 capabilities, no more', async () => {
    const { out } = await sh('cat /proc/self/status')
    assert.deepEqual(Object.fromEntries(out.matchAll(/^(Cap...):\s*(\w+)/gm).map(([, set, bits]) => [set, bits])), {
      CapInh: '0000000000000000',
      CapPrm: '00000000a80425fb',
      CapEff: '00000000a80425fb',
      CapBnd: '00000000a80425fb',
      CapAmb: '0000000000000000',
    })
    assert.match(out, /^NoNewPrivs:\s*0$/m)
  })

  test('another user has its groups and no effective capability', async () => {
    const { out } = await sh('cat /proc/self/status', { uid: 1000, gid: 1001, additionalGids: [5, 7] })
    assert.match(out, /^Uid:\s*1000\s+1000\s+1000\s+1000$/m)
    assert.match(out, /^Gid:\s*1001\s+1001\s+1001\s+1001$/m)
    assert.match(out, /^Groups:\s*5 7\s*$/m)
    assert.match(out, /^CapEff:\s*0+$/m)
    assert.match(out, /^CapBnd:\s*00000000a80425fb$/m)
  })

  test('every signal has its default action and none is blocked', async () => {
    const output = collector()
    await helper.run(trees.request(['cat', '/proc/self/status']), output)
    const out = output.text()
    assert.match(out, /^SigIgn:\s*0+$/m)
    assert.match(out, /^SigBlk:\s*0+$/m)
    assert.match(out, /^SigCgt:\s*0+$/m)
  })

  test('SIGPIPE ends a writer whose reader is gone', async () => {
    assert.equal((await sh('yes | head -n 1')).out, 'y\n')
  })

  test('the soft limit of open files is 1024, others can be set', async () => {
    const { out } = await sh('ulimit -n; ulimit -c', { rlimits: [{ type: 'RLIMIT_CORE', soft: 0, hard: 0 }] })
    assert.equal(out, '1024\n0\n')
  })

  test('only standard input, output and error are open', async () => {
    const { out } = await sh('ls /proc/1/fd; true')
    assert.deepEqual(out.trim().split(/\s+/), ['0', '1', '2'])
  })

  test('standard streams can be opened by name', async () => {
    assert.partialDeepStrictEqual(
      await sh('echo out > /dev/stdout; echo err > /dev/stderr; cat /dev/stdin', { stdio: Buffer.from('in') }),
      {
        out: 'out\nin',
        err: 'err\n',
      },
    )
  })

  test('standard input is empty by default', async () => {
    assert.partialDeepStrictEqual(await sh('readlink /proc/self/fd/0; cat'), { exitCode: 0, out: '/dev/null\n' })
  })

  test('masked paths give nothing away', async () => {
    const { out } = await sh(
      'wc -c < /proc/keys; wc -c < /proc/timer_list; ls /proc/acpi /sys/firmware | wc -c; test -e /proc/kcore && wc -c < /proc/kcore',
    )
    assert.match(out, /^0\n0\n/)
  })

  for (const path of ['/proc/sys/kernel/core_pattern', '/proc/sysrq-trigger', '/sys/kernel/uevent_helper']) {
    test(`${path} cannot be written`, async () => {
      assert.notEqual((await sh(`echo x > ${path}`)).exitCode, 0)
    })
  }

  test('/dev has the usual devices and nothing of the host’s', async () => {
    const { out } = await sh('ls /dev; echo x > /dev/null; head -c 4 /dev/zero | wc -c')
    const names = 'core fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero'.split(' ')
    assert.deepEqual(out.trim().split(/\s+/), [...names, '4'])
  })

  test('a device node that the command makes is kept but cannot be opened', {
    skip: process.getuid?.() !== 0 && 'not root',
  }, async () => {
    const request = trees.request(['sh', '-c', 'mknod /zero c 1 5 && head -c 1 /zero'])
    const output = collector()
    const { exitCode } = await helper.run(request, output)
    assert.notEqual(exitCode, 0)
    assert.match(output.text('stderr'), /Permission denied/)
    assert.ok(statSync(join(request.upper, 'zero')).isCharacterDevice())
  })

  test('network none has a loopback interface that is up, and nothing else', async () => {
    const { out } = await sh('ip link', { networkMode: 'none' })
    assert.match(out, /^1: lo: <LOOPBACK,UP/)
    assert.equal(out.match(/^\d+: (?!lo:).*,UP/m), null)
  })

  test('/etc/hosts has the extra hosts', async () => {
    const { out } = await sh('cat /etc/hosts', { extraHosts: [{ name: 'db', address: '10.1.2.3' }] })
    assert.match(out, /^10\.1\.2\.3\tdb$/m)
  })

  test('a missing working directory is named', async () => {
    await assert.rejects(sh('true', { cwd: '/nowhere' }), {
      code: 'WORKING_DIRECTORY',
      message: /\/nowhere.*does not exist/,
    })
  })

  test('mount points that the image lacks leave nothing behind', async () => {
    const etc = trees.tree('stubs')
    mkdirSync(join(etc, 'etc'), { mode: 0o750 })
    utimesSync(join(etc, 'etc'), 1000, 1000.25)
    const secret = { kind: 'file', target: '/run/secrets/deep/token', content: 's3cret', mode: 0o400 } as const
    const request = trees.request(
      ['sh', '-c', 'stat -c "%a %Y" /etc; cat /run/secrets/deep/token'],
      {},
      {
        lowers: [trees.base, etc],
        mounts: [
          secret,
          { kind: 'tmpfs', target: '/var/cache' },
          { kind: 'bind', source: etc, target: '/mnt/x', readonly: true },
        ],
      },
    )
    const output = collector()
    assert.equal((await helper.run(request, output)).exitCode, 0)
    assert.equal(output.text(), '750 1000\ns3cret')
    assert.deepEqual(readdirSync(request.upper), [])
  })

  test('what the command changes beside a mount point keeps the directory’s attributes', async () => {
    const lower = trees.tree('beside')
    mkdirSync(join(lower, 'etc'), { mode: 0o710 })
    const request = trees.request(['touch', '/etc/new'], {}, { lowers: [trees.base, lower] })
    await helper.run(request)
    assert.deepEqual(readdirSync(join(request.upper, 'etc')), ['new'])
    assert.equal(statSync(join(request.upper, 'etc')).mode & 0o777, 0o710)
  })

  test('/etc/resolv.conf may be a link to a file that is not there', async () => {
    const lower = trees.tree('resolv')
    mkdirSync(join(lower, 'etc'))
    symlinkSync('../run/systemd/resolve/stub-resolv.conf', join(lower, 'etc/resolv.conf'))
    const request = trees.request(['cat', '/etc/resolv.conf'], {}, { lowers: [trees.base, lower] })
    const output = collector()
    await helper.run(request, output)
    assert.equal(output.text(), readFileSync('/etc/resolv.conf', 'utf8'))
    assert.deepEqual(readdirSync(request.upper), [])
  })

  test('links of the image lead mounts nowhere outside of it', async () => {
    const lower = trees.tree('hostile')
    const outside = trees.tree('outside')
    symlinkSync(`../../../../../../..${outside}`, join(lower, 'etc'))
    symlinkSync(`${outside}-proc`, join(lower, 'proc'))
    const request = trees.request(
      ['sh', '-c', `cat ${outside}/hostname; test -e ${outside}-proc/self`],
      { hostname: 'inside' },
      { lowers: [trees.base, lower] },
    )
    const output = collector()
    assert.equal((await helper.run(request, output)).exitCode, 0, output.text('stderr'))
    assert.equal(output.text(), 'inside\n')
    assert.deepEqual(readdirSync(outside), [])
  })

  test('a mount whose source is missing is named', async () => {
    const mounts = [{ kind: 'bind', source: '/nonexistent/source', target: '/x' }] as const
    await assert.rejects(sh('true', {}, { mounts }), { code: 'MOUNT_SOURCE', message: /\/nonexistent\/source/ })
  })

  test('a readonly bind mount and a readonly root cannot be written', async () => {
    const source = trees.tree('readonly')
    const { exitCode } = await sh(
      'touch /x/y || touch /z',
      { readonlyRoot: true },
      { mounts: [{ kind: 'bind', source, target: '/x', readonly: true }] },
    )
    assert.equal(exitCode, 1)
    assert.equal(existsSync(join(source, 'y')), false)
  })

  test('an overlay that the kernel refuses is told with what it needs', async () => {
    const upper = join(trees.root, 'nowhere/upper')
    const work = trees.tree('work-elsewhere')
    await assert.rejects(sh('true', {}, { upper, work }), { message: /nowhere\/upper/ })
  })

  test('127 layers mount', async () => {
    const lowers = Array.from({ length: 126 }, (_, i) => {
      const tree = trees.tree(`layer-${i}`)
      writeFileSync(join(tree, `file-${i}`), String(i))
      return tree
    })
    const request = trees.request(['sh', '-c', 'cat /file-0 /file-125'], {}, { lowers: [trees.base, ...lowers] })
    const output = collector()
    await helper.run(request, output)
    assert.equal(output.text(), '0125')
  })

  test('a slow receiver holds the command back, and gets 50 MB whole', async () => {
    const size = 50_000_000
    let received = 0
    let inFlight = 0
    let most = 0
    const request = trees.request(['head', '-c', String(size), '/dev/zero'])
    const onOutput = async ({ chunk }: { chunk: Uint8Array }): Promise<void> => {
      most = Math.max(most, ++inFlight)
      received += chunk.length
      if (received % 17 === 0) await delay(1)
      inFlight--
    }
    assert.equal((await helper.run(request, { onOutput })).exitCode, 0)
    assert.equal(received, size)
    assert.ok(most <= 2, `${most} pieces at once`)
  })

  test('many run at once', async () => {
    const results = await Promise.all(Array.from({ length: 8 }, (_, i) => sh(`echo ${i}; exit ${i}`)))
    assert.deepEqual(
      results.map(({ exitCode, out }) => [exitCode, out]),
      Array.from({ length: 8 }, (_, i) => [i, `${i}\n`]),
    )
  })
})
