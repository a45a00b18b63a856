import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { builds, failures, sharedBench } from './cases.ts'

const bench = sharedBench()
const secrets = [{ id: 'mysecret', value: 'pw' }]

builds(bench, [
  {
    title: 'a secret is a file in memory with owner and mode, and leaves nothing behind',
    dockerfile: `FROM busybox
RUN --mount=type=secret,required=false,mode=741,uid=100,gid=102,target=/mysecret [ "$(stat -c "%u %g %f" /mysecret)" = "100 102 81e1" ]
RUN [ ! -f /mysecret ]
RUN --mount=type=secret,id=mysecret [ "$(cat /run/secrets/mysecret)" = pw ] && [ "$(stat -c "%u %g %a" /run/secrets/mysecret)" = "0 0 400" ]
RUN [ ! -e /run/secrets ]`,
    options: { secrets },
    absent: ['/mysecret', '/run/secrets'],
  },
  {
    title: 'a secret as a variable beats ENV and makes no file',
    dockerfile: `FROM busybox
ENV SECRET_ENV=foo
RUN --mount=type=secret,id=mysecret,env=SECRET_ENV [ "$SECRET_ENV" = pw ] && [ ! -f /run/secrets/mysecret ]
RUN [ "$SECRET_ENV" = foo ]`,
    options: { secrets },
  },
  {
    title: 'a secret may be both a variable and a file',
    dockerfile:
      'FROM busybox\nRUN --mount=type=secret,id=mysecret,target=/run/secrets/secret,env=S [ "$S" = pw ] && [ -f /run/secrets/secret ]',
    options: { secrets },
  },
  {
    title: 'a secret that is not required may be missing',
    dockerfile: 'FROM busybox\nRUN --mount=type=secret,id=nothing [ ! -e /run/secrets/nothing ]',
  },
  {
    title: 'an agent that is not required may be missing',
    dockerfile: 'FROM busybox\nRUN --mount=type=ssh [ -z "$SSH_AUTH_SOCK" ]',
  },
])

failures(bench, [
  {
    title: 'a required secret that is missing',
    dockerfile: 'FROM busybox\nRUN --mount=type=secret,required,id=mysecret foo',
    message: /secret mysecret: not found/,
    hint: /--secret id=mysecret,src=FILE/,
    lines: [2, 2],
  },
  {
    title: 'a required agent that is missing',
    dockerfile: 'FROM busybox\nRUN --mount=type=ssh,required true',
    message: /ssh agent default: not found/,
    hint: /--ssh default/,
    lines: [2, 2],
  },
  {
    title: 'a secret whose file is not there',
    dockerfile: 'FROM busybox\nRUN --mount=type=secret,id=a cat /run/secrets/a',
    options: { secrets: [{ id: 'a', file: '/nonexistent/secret' }] },
    message: /secret a: cannot read \/nonexistent\/secret: no such file/,
    lines: [2, 2],
  },
])

/** Bytes that no other file has by chance. */
const VALUE = 'Kf9-unlikely-secret-value-3b1c7'

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
}

test('no byte of the store, no output and no event has a secret', async () => {
  const events: unknown[] = []
  const built = await bench().build(
    `FROM busybox
RUN --mount=type=secret,id=grep --mount=type=secret,id=grep,env=TOKEN --mount=type=cache,target=/c \\
  cat /run/secrets/grep; echo; echo "token is $TOKEN!"; for c in $(echo $TOKEN | fold -w 7); do printf %s $c; sleep 0.05; done; ls /run/secrets > /list`,
    { secrets: [{ id: 'grep', value: VALUE }], onEvent: event => events.push(event) },
  )
  const output = built.steps.map(step => step.output).join('')
  assert.match(output, /\*\*\*\*\ntoken is \*\*\*\*!\n\*\*\*\*/)
  const told = JSON.stringify(events, (_, value) =>
    value instanceof Uint8Array ? Buffer.from(value).toString() : value,
  )
  assert.ok(!told.includes(VALUE))
  assert.ok(!JSON.stringify(built.image).includes(VALUE))
  const files = filesBelow(bench().store.root)
  assert.ok(files.length > 20)
  for (const file of files) assert.ok(!readFileSync(file).includes(VALUE), file)
})

test('the value of a secret is not part of the key, its id and variable are', async () => {
  const run = async (flags: string, value: string) => {
    const { steps } = await bench().build(`FROM busybox\nRUN --mount=type=secret,id=${flags} true`, {
      secrets: [{ id: 'k', value }],
    })
    return steps.find(({ name }) => name.includes('RUN'))?.status
  }
  assert.deepEqual(
    [await run('k', 'one'), await run('k', 'two'), await run('k,env=A', 'two')],
    ['ran', 'cached', 'ran'],
  )
})

/** A socket that notes what each connection says. */
async function agent(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'shale-agent-'))
  const said: Promise<string>[] = []
  const server = createServer(socket => {
    let text = ''
    socket.setEncoding('latin1').on('data', chunk => {
      text += chunk
    })
    said.push(new Promise(resolve => socket.on('close', () => resolve(text))))
  })
  await new Promise<void>(resolve => server.listen(join(folder, 'agent'), resolve))
  t.after(() => {
    server.close()
    rmSync(folder, { recursive: true })
  })
  return { socket: join(folder, 'agent'), said }
}

test('an ssh agent is a socket with owner and mode, and its connections end with those that use them', async t => {
  const [first, second] = [await agent(t), await agent(t)]
  // Of the programs in busybox, logger speaks to a socket.
  const { files } = await bench().build(
    `FROM busybox
RUN --mount=type=ssh,mode=741,uid=100,gid=102 stat -c "%u %g %f" $SSH_AUTH_SOCK > /stat && echo $SSH_AUTH_SOCK > /path
USER 33
RUN --mount=type=ssh,uid=33,target=/dev/log logger one && logger two && echo $SSH_AUTH_SOCK > /tmp/own
USER 0
RUN --mount=type=ssh,id=other,target=/dev/log logger three
RUN [ -z "$SSH_AUTH_SOCK" ] && [ ! -e /run/buildkit ]`,
    {
      ssh: [
        { id: 'default', socket: first.socket },
        { id: 'other', socket: second.socket },
      ],
    },
  )
  assert.equal(await files.text('/stat'), '100 102 c1e1\n')
  assert.equal(await files.text('/path'), '/run/buildkit/ssh_agent.0\n')
  assert.equal(await files.text('/tmp/own'), '/dev/log\n')
  const words = async ({ said }: typeof first) => (await Promise.all(said)).map(line => / (\w+)\0$/.exec(line)?.[1])
  assert.deepEqual([await words(first), await words(second)], [['one', 'two'], ['three']])
})
