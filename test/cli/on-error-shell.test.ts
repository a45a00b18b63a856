import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { run } from '../../scripts/bases/process.ts'
import { busyboxRootfs } from '../support/busybox.ts'
import { fixtureTree } from '../support/fixture.ts'
import { type OrdinaryUser, ordinaryUser } from '../support/ordinary-user.ts'
import { atTerminal, type Seat } from '../support/terminal.ts'

const BIN = fileURLToPath(new URL('../../bin/shale', import.meta.url))
const APPLETS = ['cat', 'echo', 'env', 'false', 'id', 'ls', 'sh', 'stty', 'tty']
const timeout = 30_000

const BASE = 'FROM scratch\nCOPY bin /bin\nCOPY passwd /etc/passwd\n'
const DOCKERFILE = `${BASE}ENV COLOR=green
WORKDIR /work
COPY empty /tmp/
RUN --mount=type=cache,target=/cache,mode=0777 --mount=type=secret,id=token,mode=0444 echo part > /cache/left; echo half > /tmp/half; false
`

const ordinary = ordinaryUser('shale-on-error', 715_000_000, BIN)

for (const [who, user, skip] of [
  ['as who runs this', undefined, false],
  ['as an ordinary user', ordinary, typeof ordinary === 'string' && ordinary],
] as const) {
  describe(`build --on-error=shell, ${who}`, { skip }, () => scenarios(typeof user === 'object' ? user : undefined))
}

function scenarios(user: OrdinaryUser | undefined): void {
  let home: string
  let env: NodeJS.ProcessEnv
  const line = (words: readonly string[]): readonly [string, ...string[]] => {
    const command = [process.execPath, '--', BIN, ...words] as const
    return user === undefined ? command : user.as(command)
  }
  const sit = (...words: readonly string[]): Seat => {
    const seat = atTerminal(line(['build', '--on-error=shell', ...words, join(home, 'context')]), env)
    seats.push(seat)
    return seat
  }

  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'shale-on-error-'))
    await chmod(home, 0o755)
    env = { PATH: process.env.PATH, HOME: home, SHALE_ROOT: join(home, 'store'), TOKEN: 'a-secret' }
    await fixtureTree(join(home, 'context'), {
      'bin/busybox': { content: readFileSync(join(await busyboxRootfs(), 'bin/busybox')), mode: 0o755 },
      ...Object.fromEntries(APPLETS.map(name => [`bin/${name}`, { symlink: 'busybox' }])),
      passwd: 'root:x:0:0::/root:/bin/sh\nwww:x:33:33::/work:/bin/sh\n',
      Dockerfile: DOCKERFILE,
      'empty/': {},
      'two.Dockerfile': `${BASE}RUN echo one > /one; false\nFROM scratch AS other\nCOPY bin /bin\nRUN echo two > /two; false\nFROM scratch\nCOPY --from=0 /one /\nCOPY --from=other /two /\n`,
      'user.Dockerfile': `${BASE}WORKDIR /work\nUSER www\nRUN false\n`,
      'none.Dockerfile': 'FROM scratch\nCOPY bin/busybox /busybox\nRUN ["/busybox", "false"]\n',
    })
    await mkdir(join(home, 'store'))
    for (const path of [home, join(home, 'store')]) user?.own(path)
  })
  const seats: Seat[] = []
  after(async () => {
    for (const { process: child } of seats) child.kill('SIGKILL')
    await rm(home, { recursive: true, force: true, maxRetries: 3 })
    user?.remove()
  })

  test('the shell sees what the step saw, and what it has left', { timeout }, async () => {
    const seat = sit('--secret', 'id=token,env=TOKEN')
    await seat.shows(/has failed with exit code 1\. Its command:\r\n {2}echo part > .*false\r\n/)
    await seat.shows(/This is \/bin\/sh where it ran\./)
    await seat.shows(/# /)
    assert.equal(seat.isCooked(), false)
    seat.type('tty; stty size; pwd; echo $COLOR; cat /cache/left /tmp/half /run/secrets/token; echo; id -u\r')
    await seat.shows(/\/dev\/pts\/0\r\n24 80\r\n\/work\r\ngreen\r\npart\r\nhalf\r\na-secret\r\n0\r\n/)
    seat.resize(40, 132)
    seat.type('echo more > /tmp/more; exit\r')
    await seat.shows(/ERROR: process "\/bin\/sh -c echo part > .*did not complete successfully: exit code: 1/)
    assert.equal(await seat.ended, 1)
    const store = readdirSync(join(home, 'store/tmp'))
    assert.deepEqual(store, [], 'nothing is left of it')
  })

  test('it runs as the step’s user', { timeout }, async () => {
    const seat = sit('-f', join(home, 'context/user.Dockerfile'))
    await seat.shows(/[$] /)
    seat.type('id -u; exit 7\r')
    await seat.shows(/33\r\n/)
    assert.equal(await seat.ended, 1)
  })

  test('of two steps that fail the first one has a shell, and is what the build fails with', { timeout }, async () => {
    const seat = sit('-f', join(home, 'context/two.Dockerfile'))
    await seat.shows(/(?:stage-0|other) .* has failed with exit code 1/)
    const [, first] = /\[(stage-0|other) \S+ RUN[^\n]* has failed with/.exec(seat.screen()) ?? []
    await seat.shows(/# /)
    seat.type('exit\r')
    assert.equal(await seat.ended, 1)
    assert.equal(seat.screen().match(/has failed with exit code/g)?.length, 1)
    assert.match(seat.screen(), new RegExp(`ERROR: .*echo ${first === 'other' ? 'two' : 'one'} >`))
  })

  test('an image without a shell is said to have none', { timeout }, async () => {
    const seat = sit('-f', join(home, 'context/none.Dockerfile'))
    await seat.shows(/There is no shell to be had: .*\/bin\/sh/)
    await seat.shows(/ERROR: process "\/busybox false" did not complete successfully/)
    assert.equal(await seat.ended, 1)
  })

  test('without a terminal it is refused before anything is built', { timeout }, async () => {
    const [command, ...args] = line(['build', '--on-error=shell', join(home, 'context')])
    const { code, stderr } = await run(command, args, { env, cwd: home })
    assert.deepEqual([code, /^#1/m.test(stderr)], [1, false])
    assert.match(stderr, /--on-error=shell needs a terminal/)
  })
}
