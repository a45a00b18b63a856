import assert from 'node:assert/strict'
import { chmod, cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Outcome, run } from '../../scripts/bases/process.ts'
import { busyboxRootfs } from '../support/busybox.ts'
import { type OrdinaryUser, ordinaryUser } from '../support/ordinary-user.ts'
import { atTerminal } from '../support/terminal.ts'

const BIN = fileURLToPath(new URL('../../bin/shale', import.meta.url))
const timeout = 60_000
const DOCKERFILE = 'FROM scratch\nCOPY . /\nENV FROM=image\nWORKDIR /srv\n'

const ordinary = ordinaryUser('shale-exec', 730_000_000, BIN)

for (const [who, user, skip] of [
  ['as who runs this', undefined, false],
  ['as an ordinary user', ordinary, typeof ordinary === 'string' && ordinary],
] as const) {
  describe(`exec, attach and top, ${who}`, { skip }, () => scenarios(typeof user === 'object' ? user : undefined))
}

function scenarios(user: OrdinaryUser | undefined): void {
  let home: string
  let env: NodeJS.ProcessEnv
  const line = (words: readonly string[]): readonly [string, ...string[]] => {
    const command = [process.execPath, '--', BIN, ...words] as const
    return user === undefined ? command : user.as(command)
  }
  const shale = (words: readonly string[], input = ''): Promise<Outcome> => {
    const [command, ...args] = line(words)
    return run(command, args, { env, cwd: home, input, timeoutMs: timeout })
  }
  const ok = async (words: readonly string[], input = ''): Promise<string> => {
    const { code, stdout, stderr } = await shale(words, input)
    assert.equal(code, 0, `${words.join(' ')}: ${stderr}`)
    return stdout
  }

  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'shale-exec-'))
    await chmod(home, 0o755)
    env = { PATH: process.env.PATH, HOME: home, SHALE_ROOT: join(home, 'store') }
    await mkdir(join(home, 'store'))
    // Where the ordinary user can read it.
    await cp(await busyboxRootfs(), join(home, 'box'), { recursive: true, verbatimSymlinks: true })
    for (const path of [home, join(home, 'store'), join(home, 'box/root')]) user?.own(path)
    await ok(['build', '-q', '-t', 'box', '-f', '-', 'box'], DOCKERFILE)
    await ok(['run', '-d', '--name', 'web', '-h', 'inside', '-e', 'SET=yes', 'box', 'sleep', '1000'])
  })
  after(async () => {
    const ids = (await shale(['ps', '-aq'])).stdout.split('\n').filter(id => id !== '')
    await shale(['rm', '-f', ...ids])
    assert.deepEqual(await readdir(join(home, 'store/containers')), [])
    await rm(home, { recursive: true, force: true, maxRetries: 3 })
    user?.remove()
  })

  test('exec: in the container, confined as its own command is', { timeout }, async () => {
    const cases: readonly (readonly [words: readonly string[], code: number, stdout: RegExp])[] = [
      [['web', 'sh', '-c', 'hostname; pwd; echo $FROM $SET'], 0, /^inside\n\/srv\nimage yes\n$/],
      [['-w', '/tmp', '-e', 'SET=no', 'web', 'sh', '-c', 'pwd; echo $SET $HOME'], 0, /^\/tmp\nno \/root\n$/],
      [['-u', 'nobody', 'web', 'sh', '-c', 'id -un; echo $HOME'], 0, /^nobody\n\/home\n$/],
      [['-u', '1234:56', 'web', 'sh', '-c', 'id -u; id -g'], 0, /^1234\n56\n$/],
      [['web', 'sh', '-c', 'echo told >&2; exit 42'], 42, /^$/],
      [['web', 'sh', '-c', 'kill -9 $$'], 137, /^$/],
      [['web', 'nothing'], 127, /^$/],
      [['web', '/etc'], 126, /^$/],
      [['-w', '/none', 'web', 'pwd'], 1, /^$/],
      [['-u', 'stranger', 'web', 'pwd'], 1, /^$/],
    ]
    for (const [words, code, stdout] of cases) {
      const result = await shale(['exec', ...words])
      assert.equal(result.code, code, `${words.join(' ')}: ${result.stderr}`)
      assert.match(result.stdout, stdout, words.join(' '))
      if (stdout.source === '^$' && code !== 137) assert.notEqual(result.stderr, '', words.join(' '))
    }
    assert.equal(await ok(['exec', '-i', 'web', 'cat'], 'through\n'), 'through\n')
    const status = ['grep', '-E', '^(Cap|Seccomp|NoNewPrivs)', '/proc/self/status']
    const own = await ok(['exec', 'web', 'sh', '-c', 'grep -E "^(Cap|Seccomp|NoNewPrivs)" /proc/1/status'])
    assert.equal(await ok(['exec', 'web', ...status]), own)
    const stopped = await shale(['exec', 'nobody', 'true'])
    assert.deepEqual([stopped.code, stopped.stderr], [1, 'ERROR: No such container: nobody\n'])
  })

  test('exec: with a terminal of its own, and in the background', { timeout }, async () => {
    const seat = atTerminal(line(['exec', '-it', 'web', 'sh']), env)
    await seat.shows(/# /)
    seat.type('tty; stty size; echo $TERM\r')
    await seat.shows(/\/dev\/pts\/\d+\r\n24 80\r\nxterm\r\n/)
    seat.type('exit 7\r')
    assert.equal(await seat.ended, 7)
    assert.equal(seat.isCooked(), true)
    await seat.close()
    await ok(['exec', '-d', 'web', 'sleep', '2000'])
    const top = await ok(['top', 'web', '-eo', 'pid,args'])
    assert.match(top, /^PID +COMMAND\n\d+ +sleep 1000\n(?:.*\n)*\d+ +sleep 2000\n$/)
  })

  test('attach: to a terminal, and away by its keys', { timeout }, async () => {
    await ok(['run', '-dit', '--name', 'shell', 'box', 'sh'])
    const seat = atTerminal(line(['attach', 'shell']), env)
    seat.type("echo he''re\r")
    await seat.shows(/here/)
    seat.type('\x10\x11')
    assert.equal(await seat.ended, 0)
    assert.match(seat.screen(), /read escape sequence/)
    await seat.close()
    assert.match(await ok(['ps', '--format', '{{.Names}} {{.State}}']), /^shell running\n/)
    const again = atTerminal(line(['attach', 'shell']), env)
    again.type('exit 3\r')
    assert.equal(await again.ended, 3)
    await again.close()
  })

  test('start -a and attach without a terminal: output, input, signals, exit code', { timeout }, async () => {
    await ok(['create', '--name', 'job', 'box', 'sh', '-c', 'echo out; echo err >&2; exit 6'])
    const job = await shale(['start', '-a', 'job'])
    assert.deepEqual([job.code, job.stdout, job.stderr], [6, 'out\n', 'err\n'])
    await ok(['create', '-i', '--name', 'echo', 'box', 'cat'])
    assert.equal(await ok(['start', '-ai', 'echo'], 'said\n'), 'said\n')
    const refused = await shale(['attach', 'job'])
    assert.match(refused.stderr, /^ERROR: You cannot attach to a stopped container, start it first\n/)
  })
}
