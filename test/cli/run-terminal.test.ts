import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Outcome, run } from '../../scripts/bases/process.ts'
import { busyboxRootfs } from '../support/busybox.ts'
import { fixtureTree } from '../support/fixture.ts'
import { type OrdinaryUser, ordinaryUser } from '../support/ordinary-user.ts'
import { atTerminal, type Seat } from '../support/terminal.ts'

const BIN = fileURLToPath(new URL('../../bin/shale', import.meta.url))
const APPLETS = ['sh', 'echo', 'grep', 'head', 'sleep', 'stty', 'tty', 'yes']
const timeout = 30_000

const ordinary = ordinaryUser('shale-terminal', 720_000_000, BIN)

for (const [who, user, skip] of [
  ['as who runs this', undefined, false],
  ['as an ordinary user', ordinary, typeof ordinary === 'string' && ordinary],
] as const) {
  describe(`run, ${who}`, { skip }, () => scenarios(typeof user === 'object' ? user : undefined))
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
  const sit = (words: readonly string[]): Seat => atTerminal(line(['run', '--rm', '-it', ...words]), env)
  const start = (words: readonly string[]): ChildProcess => {
    const [command, ...args] = line(['run', '--rm', ...words])
    return spawn(command, args, { env, cwd: home, stdio: ['ignore', 'pipe', 'inherit'] })
  }

  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'shale-terminal-'))
    await chmod(home, 0o755)
    env = { PATH: process.env.PATH, HOME: home, SHALE_ROOT: join(home, 'store') }
    await fixtureTree(join(home, 'context'), {
      'bin/busybox': { content: readFileSync(join(await busyboxRootfs(), 'bin/busybox')), mode: 0o755 },
      ...Object.fromEntries(APPLETS.map(name => [`bin/${name}`, { symlink: 'busybox' }])),
      'etc/passwd': 'root:x:0:0::/root:/bin/sh\nwww:x:33:33::/:/bin/sh\n',
      Dockerfile: 'FROM scratch\nCOPY . /\nCMD ["sh"]\n',
    })
    await mkdir(join(home, 'store'))
    for (const path of [home, join(home, 'store')]) user?.own(path)
    const built = await shale(['build', '-q', '-t', 'box', 'context'])
    assert.equal(built.code, 0, built.stderr)
  })
  after(async () => {
    await rm(home, { recursive: true, force: true, maxRetries: 3 })
    user?.remove()
  })

  test('-it: a shell with a terminal of its own, in a window that can be resized', { timeout }, async () => {
    const seat = sit(['box'])
    await seat.shows(/# /)
    assert.equal(seat.isCooked(), false)
    seat.type('tty; stty size; echo $TERM\r')
    await seat.shows(/\/dev\/pts\/0\r\n24 80\r\nxterm\r\n/)
    seat.resize(40, 132)
    seat.type("until stty size | grep '40 132'; do sleep 0.1; done; echo resi''zed\r")
    await seat.shows(/resized/)
    assert.doesNotMatch(seat.screen(), /job control/)
    // The quotes keep the echo of what is typed from being taken for its output.
    seat.type('sh -c "echo sleep\'\'ing; exec sleep 1000"\r')
    await seat.shows(/sleeping/)
    seat.type('\x03')
    await seat.shows(/# /)
    seat.type("echo code''=$?\r")
    await seat.shows(/code=130/)
    seat.type('exit 7\r')
    assert.equal(await seat.ended, 7)
    assert.equal(seat.isCooked(), true)
    seat.close()
  })

  test('-it: SIGTERM reaches the command, and the terminal is as it was afterwards', { timeout }, async () => {
    const seat = sit(['box', 'sh', '-c', 'trap "echo bye; exit 9" TERM; echo up; while :; do sleep 0.05; done'])
    await seat.shows(/up/)
    assert.equal(seat.isCooked(), false)
    seat.process.kill('SIGTERM')
    assert.equal(await seat.ended, 9)
    assert.match(seat.screen(), /bye/)
    assert.equal(seat.isCooked(), true)
    seat.close()
  })

  for (const flags of [['-it'], []]) {
    test(`${flags[0] ?? 'no terminal'}: kill -9 leaves no process and no mount`, { timeout }, async () => {
      const word = String(200_000_000 + process.pid)
      const words = ['box', 'sh', '-c', `sleep ${word} & exec sleep ${word}`]
      const seat = flags.length > 0 ? sit(words) : undefined
      const child = seat?.process ?? start(words)
      while (processesWith(word).length < 2) await delay(5)
      child.kill('SIGKILL')
      while (processesWith(word).length > 0) await delay(5)
      assert.equal(readFileSync('/proc/self/mountinfo', 'utf8').includes(home), false)
      await seat?.ended
      seat?.close()
    })
  }

  test('-t without a terminal of ours: output is a terminal’s, whole', { timeout }, async () => {
    const cases: readonly (readonly [readonly string[], string, string])[] = [
      [[], 'tty; echo $TERM; test -c /dev/console && echo console', '/dev/pts/0\r\nxterm\r\nconsole\r\n'],
      [['-e', 'TERM=vt100'], 'echo $TERM', 'vt100\r\n'],
      [['-u', 'www'], 'echo by name > /dev/pts/0; echo too > /dev/tty', 'by name\r\ntoo\r\n'],
      [[], 'yes | head -n 20000; echo end', `${'y\r\n'.repeat(20_000)}end\r\n`],
    ]
    for (const [flags, script, stdout] of cases) {
      const outcome = await shale(['run', '--rm', '-t', ...flags, 'box', 'sh', '-c', script])
      assert.deepEqual(outcome, { code: 0, stdout, stderr: '' })
    }
    const missing = await shale(['run', '--rm', '-t', 'box', 'nothing'])
    assert.deepEqual([missing.code, missing.stdout], [127, ''])
    assert.match(missing.stderr, /executable file not found/)
  })

  for (const signal of ['HUP', 'INT', 'QUIT', 'TERM', 'USR1', 'USR2'] as const) {
    test(`SIG${signal} is passed on, and the exit code is the command’s`, { timeout }, async () => {
      // As the first process of its namespace the command is not given what it does not handle.
      const other = signal === 'USR1' ? 'USR2' : 'USR1'
      const script = `trap "echo got; exit 9" ${signal}; echo up; while :; do sleep 0.05; done`
      const child = start(['box', 'sh', '-c', script])
      const said = await untilSaid(child, 'up')
      for (const name of [other, other, signal] as const) child.kill(`SIG${name}`)
      const code = await new Promise(resolve => child.once('exit', resolve))
      assert.deepEqual([code, said()], [9, 'up\ngot\n'])
    })
  }
}

async function untilSaid(child: ChildProcess, word: string): Promise<() => string> {
  let said = ''
  await new Promise<void>(resolve => {
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      if (said.includes(word)) resolve()
    })
  })
  return () => said
}

/** Processes of this machine that have the word among their arguments. */
function processesWith(word: string): readonly string[] {
  return readdirSync('/proc').filter(pid => {
    if (!/^\d+$/.test(pid)) return false
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0').includes(word)
    } catch {
      return false
    }
  })
}
