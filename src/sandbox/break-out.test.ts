import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Helper, openHelper } from './helper.ts'
import type { RunConfig, RunRequest } from './run-request.ts'
import { filterArchs } from './seccomp/numbers.ts'
import { collector, makeTrees, type Trees } from './testing.ts'
import { ATTACKS, attackProgram } from './testing-attacks.ts'
import { makeMappedUser, removeUsers, runAs } from './testing-users.ts'

/** The host's own Perl, seen read-only by the container. */
function obstacle(): string | false {
  if (!existsSync('/usr/bin/perl')) return 'needs perl'
  if (spawnSync('readlink', ['/lib']).stdout.toString().trim() !== 'usr/lib') return 'needs a merged /usr'
  return filterArchs(process.arch).length === 0 && 'no table of this machine’s system calls'
}

const USER = 'shale-attacker'
const unmapped = obstacle() === false && makeMappedUser(USER, 701_000_000)
const hasRunc = spawnSync('sh', ['-c', 'PATH=$PATH:/usr/sbin command -v runc']).status === 0

describe('break-outs', { skip: obstacle() }, () => {
  let trees: Trees
  let helper: Helper
  let volume: string
  let marker: string
  before(async () => {
    trees = makeTrees()
    for (const name of ['lib', 'lib64']) symlinkSync(`usr/${name}`, join(trees.base, name))
    mkdirSync(join(trees.base, 'tmp'), { mode: 0o777 })
    volume = trees.tree('volume')
    marker = join(trees.root, 'marker')
    writeFileSync(marker, 'of the host')
    symlinkSync(marker, join(volume, 'link-to-host'))
    helper = await openHelper({ root: trees.root })
  })
  after(async () => {
    await helper.close()
    trees.remove()
    removeUsers([USER])
  })

  function attack(program: string, config: Partial<RunConfig>): RunRequest {
    const mounts = [
      { kind: 'bind', source: '/usr', target: '/usr', readonly: true },
      { kind: 'bind', source: volume, target: '/volume' },
    ] as const
    return trees.request(['/usr/bin/perl', '-e', program], { networkMode: 'none', ...config }, { mounts })
  }

  const settings: readonly (readonly [string, Partial<RunConfig>])[] = [
    ['as root', {}],
    ['as another user', { uid: 1000, gid: 1000 }],
    ...(hasRunc ? ([['with runc', { runtime: 'runc' }]] as const) : []),
  ]
  for (const [who, config] of settings) {
    for (const [topic, attacks] of Object.entries(ATTACKS)) {
      test(`${topic} ${who}: all ${attacks.length} are held`, async () => {
        const output = collector()
        await helper.run(attack(attackProgram(attacks, marker), config), output)
        const lines = output.text().trim().split('\n')
        assert.deepEqual(
          lines.filter(line => !line.startsWith('held ')),
          [],
        )
        assert.equal(lines.length, attacks.length, output.text('stderr'))
      })
    }
  }

  test('as an ordinary user of the machine: all are held', {
    skip: unmapped,
    timeout: 60_000,
  }, () => {
    const topics = Object.values(ATTACKS)
    const runtimes = hasRunc ? (['builtin', 'runc'] as const) : (['builtin'] as const)
    const requests = runtimes.flatMap(runtime =>
      topics.map(attacks => attack(attackProgram(attacks, marker), { runtime })),
    )
    const { results, rootless } = runAs(USER, trees, requests)
    assert.ok(rootless || process.getuid?.() !== 0)
    const lines = results.flatMap(({ out }) => out.trim().split('\n'))
    assert.deepEqual(
      lines.filter(line => !line.startsWith('held ')),
      [],
    )
    assert.equal(lines.length, topics.flat().length * runtimes.length, results.map(({ err }) => err).join(''))
  })

  test('the attacks are real: without isolation many of them work', async () => {
    const all = Object.values(ATTACKS).flat()
    const unheld = all.filter(({ name }) =>
      /^(unshare|fsopen|mount\("tmpfs"|sethostname|socket\(38|personality|keyctl)/.test(name),
    )
    const output = collector()
    await helper.run(attack(attackProgram(unheld, marker), { privileged: true }), output)
    const worked = output
      .text()
      .split('\n')
      .filter(line => line.startsWith('ESCAPED '))
    assert.ok(worked.length >= unheld.length - 2, output.text())
  })

  test('links that are put into a volume while containers start lead no mount out of it', {
    timeout: 20_000,
  }, async () => {
    const outside = trees.tree('outside')
    mkdirSync(join(volume, 'sub'))
    symlinkSync(outside, join(volume, 'link'))
    const flip = 'rename("sub", "real"), rename("link", "sub"), rename("sub", "link"), rename("real", "sub") while 1'
    const flipping = spawn('perl', ['-e', flip], { cwd: volume, stdio: 'ignore' })
    try {
      const source = trees.tree('source')
      const starts = Array.from({ length: 30 }, (_, number) =>
        helper
          .run(
            trees.request(
              ['true'],
              {},
              {
                mounts: [
                  { kind: 'bind', source: volume, target: '/v' },
                  ...Array.from({ length: 20 }, (_, index) => {
                    return { kind: 'bind', source, target: `/v/sub/${number}/${index}` } as const
                  }),
                ],
              },
            ),
          )
          .catch(() => undefined),
      )
      await Promise.all(starts)
      assert.deepEqual(readdirSync(outside), [])
    } finally {
      flipping.kill('SIGKILL')
    }
  })
})
