import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { builds, failures, sharedBench } from './cases.ts'

const bench = sharedBench()

builds(bench, [
  {
    title: 'what RUN does to /etc/hostname is in the image',
    dockerfile:
      'FROM busybox AS gone\nRUN rm /etc/hostname\nFROM busybox\nRUN echo mine > /etc/hostname\nCOPY --from=gone /etc /gone',
    files: { '/etc/hostname': 'mine\n' },
    entries: { '/gone/passwd': 'file 0644 0:0' },
    absent: ['/gone/hostname'],
  },
  {
    title: 'what RUN does to /etc/hosts and /etc/resolv.conf is not',
    dockerfile: 'FROM busybox\nRUN echo 1.2.3.4 there >> /etc/hosts && echo > /etc/resolv.conf',
    absent: ['/etc/hosts', '/etc/resolv.conf'],
  },
])

test('RUN reaches the host’s network, by default and with --network=host, but not with --network=none', async t => {
  const server = createServer((_, response) => response.end('from the host')).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await new Promise(resolve => server.once('listening', resolve))
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const get = (file: string) => `wget -q -O ${file} http://127.0.0.1:${address.port}/`
  const { files } = await bench().build(
    `FROM busybox\nRUN ${get('/default')}\nRUN --network=host ${get('/host')}\nRUN --network=none ! ${get('/none')}`,
    { network: 'host' },
  )
  assert.equal(await files.text('/default'), 'from the host')
  assert.equal(await files.text('/host'), 'from the host')
})

failures(bench, [
  {
    title: '--security=insecure needs a grant',
    dockerfile: 'FROM busybox\nRUN --security=insecure true',
    message: /entitlement security\.insecure is not allowed/,
    lines: [2, 2],
  },
  {
    title: 'a mistyped flag of RUN',
    dockerfile: 'FROM scratch\nRUN --mont=target=/t,type=tmpfs /bin/true',
    message: /unknown flag: --mont/,
    hint: /did you mean --mount\?/,
    lines: [2, 2],
  },
  {
    title: 'a mistyped key of --mount',
    dockerfile: 'FROM scratch\nRUN --mount=typ=tmpfs /bin/true',
    message: /unexpected key 'typ'/,
    hint: /did you mean type\?/,
    lines: [2, 2],
  },
  {
    title: 'a mistyped type of --mount',
    dockerfile: 'FROM scratch\nRUN --mount=type=tmp /bin/true',
    message: /unsupported mount type "tmp"/,
    hint: /did you mean tmpfs\?/,
    lines: [2, 2],
  },
  {
    title: '--mount does not expand variables in from',
    dockerfile: 'FROM busybox AS t\nFROM busybox\nENV which=t\nRUN --mount=from=$which,type=cache,target=/t ls',
    message: /'from' doesn't support variable expansion, define alias stage instead/,
    lines: [4, 4],
  },
])
