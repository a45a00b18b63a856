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

/** The host's own Perl, seen read-only by the container. */
function obstacle(): string | false {
  if (!existsSync('/usr/bin/perl')) return 'needs perl'
  if (spawnSync('readlink', ['/lib']).stdout.toString().trim() !== 'usr/lib') return 'needs a merged /usr'
  return filterArchs(process.arch).length === 0 && 'no table of this machine’s system calls'
}

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
    const flip = `while :; do rmdir sub/deep sub; ln -s ${outside} sub; rm sub; mkdir sub; done 2>/dev/null`
    const flipping = spawn('sh', ['-c', flip], { cwd: volume, stdio: 'ignore' })
    try {
      const source = trees.tree('source')
      const starts = Array.from({ length: 30 }, () =>
        helper
          .run(
            trees.request(
              ['touch', '/v/sub/deep/file'],
              {},
              {
                mounts: [
                  { kind: 'bind', source: volume, target: '/v' },
                  { kind: 'bind', source, target: '/v/sub/deep' },
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
