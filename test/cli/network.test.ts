import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { createServer, connect as dial } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Outcome, run } from '../../scripts/bases/process.ts'
import { isErrno } from '../../src/error.ts'
import { whyNoPasta } from '../../src/network/pasta.ts'
import { busyboxRootfs } from '../support/busybox.ts'
import { fixtureTree } from '../support/fixture.ts'
import { type OrdinaryUser, ordinaryUser } from '../support/ordinary-user.ts'
import { freePort } from '../support/port.ts'

const BIN = fileURLToPath(new URL('../../bin/shale', import.meta.url))
const APPLETS = ['sh', 'cat', 'echo', 'httpd', 'ip', 'ls', 'nc', 'sed', 'test', 'wget', 'hostname', 'kill']
const timeout = 40_000

const ordinary = ordinaryUser('shale-network', 740_000_000, BIN)
const noUser = typeof ordinary === 'string' && ordinary
const user = typeof ordinary === 'object' ? ordinary : undefined
const pasta = installPasta()

/** Installs it where that is possible; else the reason to leave out the tests with it. */
function installPasta(): string | false {
  const missing = (): string | undefined => whyNoPasta()?.why
  if (missing()?.includes('installed') === true && process.getuid?.() === 0) {
    spawnSync('apt-get', ['install', '-qq', '-y', '--no-install-recommends', 'passt'])
  }
  return missing() ?? false
}

describe('as who runs this, with pasta', { skip: pasta }, () => scenarios({ pasta: true, user: undefined }))
describe('as an ordinary user, with pasta', { skip: noUser || pasta }, () => scenarios({ pasta: true, user }))
describe('as who runs this, without pasta', () => scenarios({ pasta: false, user: undefined }))
describe('as an ordinary user, without pasta', { skip: noUser }, () => scenarios({ pasta: false, user }))

interface Setting {
  readonly pasta: boolean
  readonly user: OrdinaryUser | undefined
}

/** This machine's Node in a container, with the libraries that it needs. */
const NODE = ['-v', '/usr:/usr:ro', '-v', `${dirname(process.execPath)}:/node:ro`]
/** Answers each datagram with what it says. */
const ECHO =
  "const s = require('dgram').createSocket('udp4'); s.on('message', (m, r) => s.send(m, r.port, r.address)); s.bind(53)"

/**
 * Everybody may use tunnels on most machines. Where only root may, the user's command gets a device of its own, which
 * nobody else sees.
 */
function withTunnel(folder: string, command: readonly [string, ...string[]]): readonly [string, ...string[]] {
  if ((statSync('/dev/net/tun').mode & 0o6) === 0o6) return command
  const tunnel = join(folder, 'tun')
  const make = 'test -e "$0" || { mknod "$0" c 10 200; chmod 666 "$0"; }; mount --bind "$0" /dev/net/tun; exec "$@"'
  return ['unshare', '--mount', 'sh', '-c', make, tunnel, ...command]
}

/** The folders of PATH with all that is in them but pasta. */
async function pathWithoutPasta(folder: string): Promise<string> {
  await mkdir(folder)
  const programs = new Map<string, string>()
  for (const path of (process.env.PATH ?? '').split(delimiter).toReversed()) {
    for (const name of list(path)) if (!/^pas(?:s|t)/.test(name)) programs.set(name, join(path, name))
  }
  for (const [name, target] of programs) await symlink(target, join(folder, name))
  return folder
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function scenarios({ pasta, user }: Setting): void {
  let home: string
  let env: NodeJS.ProcessEnv
  const started: ChildProcess[] = []
  const line = (words: readonly string[]): readonly [string, ...string[]] => {
    const command = [process.execPath, '--', BIN, ...words] as const
    if (user === undefined) return command
    return pasta ? withTunnel(home, user.as(command)) : user.as(command)
  }
  const shale = (words: readonly string[]): Promise<Outcome> => {
    const [command, ...args] = line(words)
    return run(command, args, { env, cwd: home, timeoutMs: timeout })
  }
  /** In the background; resolves when the command has said that it is up. */
  const serve = async (words: readonly string[], script: string): Promise<ChildProcess> => {
    const [command, ...args] = line(['run', '--rm', ...words, 'box', 'sh', '-c', `${script} & echo up; wait`])
    const child = spawn(command, args, { env, cwd: home, stdio: ['ignore', 'pipe', 'pipe'] })
    started.push(child)
    let said = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    await Promise.race([
      once(child.stdout as NodeJS.EventEmitter, 'data'),
      once(child, 'exit').then(() => assert.fail(`it has ended: ${said}`)),
    ])
    return child
  }
  const stop = async (child: ChildProcess): Promise<void> => {
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'shale-network-'))
    await chmod(home, 0o755)
    const path = pasta ? process.env.PATH : await pathWithoutPasta(join(home, 'bin'))
    env = { PATH: path, HOME: home, SHALE_ROOT: join(home, 'store') }
    await fixtureTree(join(home, 'context'), {
      'bin/busybox': { content: readFileSync(join(await busyboxRootfs(), 'bin/busybox')), mode: 0o755 },
      ...Object.fromEntries(APPLETS.map(name => [`bin/${name}`, { symlink: 'busybox' }])),
      lib: { symlink: 'usr/lib' },
      lib64: { symlink: 'usr/lib64' },
      'www/index.html': 'hello\n',
      Dockerfile: 'FROM scratch\nCOPY . /\nEXPOSE 80\n',
    })
    await mkdir(join(home, 'store'))
    for (const path of [home, join(home, 'store')]) user?.own(path)
    const built = await shale(['build', '-q', '-t', 'box', 'context'])
    assert.equal(built.code, 0, built.stderr)
  })
  after(async () => {
    for (const child of started) if (child.exitCode === null && child.signalCode === null) await stop(child)
    await rm(home, { recursive: true, force: true, maxRetries: 3 })
  })

  test('TCP: a web server answers on its published port, over IPv4 and IPv6, until its container dies', {
    timeout,
  }, async () => {
    const port = await freePort()
    const child = await serve(['-p', `${port}:80`], 'httpd -f -p [::]:80 -h /www')
    assert.equal(await page('127.0.0.1', port), 'hello\n')
    if (hasLoopback6()) assert.equal(await page('::1', port), 'hello\n')
    await stop(child)
    await untilNobodyHas(home)
    // A process that is ending lets go of its files last.
    while (!(await isFree(port))) await delay(20)
  })

  test('two containers use the same inner port, on addresses of their own', { timeout }, async () => {
    const port = await freePort()
    const children = await Promise.all(
      ['127.0.0.1', '127.0.0.2'].map(address =>
        serve(['-p', `${address}:${port}:80`], `echo ${address} > /www/name; httpd -f -p 80 -h /www`),
      ),
    )
    for (const address of ['127.0.0.1', '127.0.0.2']) assert.equal(await page(address, port, 'name'), `${address}\n`)
    await Promise.all(children.map(stop))
  })

  test('UDP: datagrams come and their answers go back', { timeout }, async () => {
    const port = await freePort()
    const child = await serve([...NODE, '-p', `${port}:53/udp`], `/node/node -e "${ECHO}"`)
    assert.equal(await echoed(port, 'ping'), 'ping')
    await stop(child)
  })

  test('ranges, free ports and -P: `port`, `ps` and `inspect` tell where each is', { timeout }, async () => {
    const ports = ['-p', '80', '-p', '127.0.0.1::9000-9001', '--expose', '53/udp', '-P']
    const { stdout, stderr, code } = await shale([
      'run',
      '-d',
      '--name',
      'many',
      ...ports,
      'box',
      'httpd',
      '-f',
      '-h',
      '/www',
    ])
    assert.equal(code, 0, stderr)
    const lines = (await shale(['port', 'many'])).stdout.trim().split('\n')
    assert.deepEqual(
      lines.filter(line => !line.includes('[::]')).map(line => line.replace(/:\d+$/, '')),
      ['53/udp -> 0.0.0.0', '80/tcp -> 0.0.0.0', '9000/tcp -> 127.0.0.1', '9001/tcp -> 127.0.0.1'],
    )
    const [at = ''] = (await shale(['port', 'many', '80'])).stdout.split('\n')
    const port = Number(/^0\.0\.0\.0:(\d+)$/.exec(at)?.[1])
    assert.equal(await page('127.0.0.1', port), 'hello\n')
    assert.match((await shale(['ps', '--format', '{{.Ports}}'])).stdout, new RegExp(`0\\.0\\.0\\.0:${port}->80/tcp`))
    const format = '{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}'
    assert.equal((await shale(['inspect', '-f', format, 'many'])).stdout, `${port}\n`)
    const missing = await shale(['port', 'many', '81'])
    assert.match(missing.stderr, /no public port '81\/tcp' published for many/)
    assert.equal((await shale(['rm', '-f', 'many'])).code, 0)
    assert.notEqual(stdout, '')
    while (!(await isFree(port))) await delay(20)
  })

  test('--dns, --dns-search and --dns-option take the place of this machine’s', { timeout }, async () => {
    const words = ['--dns', '192.0.2.53', '--dns-search', 'example.org', '--dns-option', 'ndots:3']
    const { stdout } = await shale(['run', '--rm', ...words, 'box', 'cat', '/etc/resolv.conf'])
    assert.equal(stdout, 'nameserver 192.0.2.53\nsearch example.org\noptions ndots:3\n')
  })

  test('a port that somebody has is refused in docker’s words', { timeout }, async () => {
    const server = createServer().listen(0, '0.0.0.0')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const { code, stderr } = await shale(['run', '--rm', '-p', `${port}:80`, 'box', 'true'])
    server.close()
    assert.equal(code, 125)
    assert.match(stderr, new RegExp(`^ERROR: Bind for 0\\.0\\.0\\.0:${port} failed: port is already allocated\nhint: `))
  })

  test('with a network of its own it sees none of this machine’s interfaces and loopback services', {
    timeout,
  }, async () => {
    const server = createServer(socket => socket.end()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const script = `ls /sys/class/net; nc -w 2 127.0.0.1 ${port} 2>&1; echo; cat /etc/hosts`
    const { stdout } = await shale(['run', '--rm', '--network', 'private', '-h', 'there', 'box', 'sh', '-c', script])
    server.close()
    assert.match(stdout, pasta ? /^eth0\nlo\n/ : /^lo\n/)
    assert.match(stdout, /refused/)
    assert.match(stdout, pasta ? /\n10\.88\.0\.2\tthere\n/ : /^127\.0\.0\.1\tlocalhost there\n/m)
  })

  test('--network none has a loopback interface and nothing else', { timeout }, async () => {
    const { stdout } = await shale(['run', '--rm', '--network', 'none', 'box', 'sh', '-c', 'ip -o addr; ip route'])
    assert.deepEqual([...new Set(stdout.match(/^\d+: \S+/gm))], ['1: lo'])
    assert.match(stdout, /127\.0\.0\.1\/8/)
  })

  test('--network host has what this machine has, and discards ports', { timeout }, async () => {
    const words = ['run', '--rm', '--network', 'host', '-p', '1:80', 'box', 'ls', '/sys/class/net']
    const { stdout, stderr } = await shale(words)
    assert.deepEqual(stdout.trim().split('\n'), readdirSync('/sys/class/net').toSorted())
    assert.match(stderr, /published ports are discarded when using host network mode/)
  })

  test('any user may listen on port 80 in a network of its own', { timeout }, async () => {
    const port = await freePort()
    const child = await serve(['-u', '33', '-p', `${port}:80`], 'httpd -f -p 80 -h /www')
    assert.equal(await page('127.0.0.1', port), 'hello\n')
    await stop(child)
  })

  if (pasta) {
    test('it reaches this machine as host-gateway, by its outward address alone', { timeout }, async () => {
      const server = createServer(socket =>
        socket.once('data', () => socket.end('HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhost\n')),
      ).listen(0, '0.0.0.0')
      await once(server, 'listening')
      const { port } = server.address() as { port: number }
      // A static program cannot look names up. With its length the answer does not need the connection's end.
      const script = `wget -q -O- http://$(sed -n 's/\\there$//p' /etc/hosts):${port}/`
      const result = await shale(['run', '--rm', '--add-host', 'here:host-gateway', 'box', 'sh', '-c', script])
      server.close()
      assert.equal(result.stdout, 'host\n', result.stderr)
    })
  } else {
    test('the note tells what is missing; without ports the network is this machine’s', { timeout }, async () => {
      const port = await freePort()
      const published = await shale(['run', '--rm', '-p', `${port}:80`, 'box', 'ls', '/sys/class/net'])
      assert.equal(published.stdout, 'lo\n')
      assert.match(published.stderr, /^Warning: .*reaches nothing outside: pasta is not installed/)
      const plain = await shale(['run', '--rm', 'box', 'ls', '/sys/class/net'])
      assert.deepEqual([plain.stdout.trim().split('\n'), plain.stderr], [readdirSync('/sys/class/net').toSorted(), ''])
    })
  }

  test('nothing is left behind', { timeout }, async () => {
    await untilNobodyHas(home)
    assert.deepEqual(
      list(join(home, 'store/tmp')).filter(name => name.includes('net')),
      [],
    )
    assert.equal(readFileSync('/proc/self/mountinfo', 'utf8').includes(home), false)
  })
}

after(() => user?.remove())

test('flags that cannot be read are named', { timeout }, async () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['-p 80:80:80:80', /invalid IP address: 80:80/],
    ['-p 8080:http', /invalid containerPort: http/],
    ['-p 70000:80', /invalid hostPort: 70000/],
    ['-p 8000-8002:80-81', /invalid ranges specified for container and host Ports/],
    ['-p 80/sctp', /invalid proto: sctp[\s\S]*Shale carries TCP and UDP/],
    ['--network nowhere', /network nowhere not found/],
    ['--dns name', /name is not an ip address/],
  ]
  for (const [words, message] of cases) {
    const args = ['--', BIN, 'run', ...words.split(' '), 'box']
    const { code, stderr } = await run(process.execPath, args, { env: { ...process.env, SHALE_ROOT: '/nonexistent' } })
    assert.match(stderr, message, words)
    assert.equal(code, 125, words)
  }
})

/** Who says that it is up is not listening yet; pasta takes connections before that, and resets them. */
async function page(host: string, port: number, name = ''): Promise<string> {
  for (;;) {
    try {
      const said = await asked(host, port, name)
      if (said !== '') return said
    } catch (error) {
      if (!isErrno(error, 'ECONNRESET')) throw error
    }
    await delay(20)
  }
}

function asked(host: string, port: number, name: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    const socket = dial({ host, port }, () => socket.write(`GET /${name} HTTP/1.0\r\n\r\n`))
    socket.on('data', chunk => {
      said += chunk.toString()
    })
    socket.on('error', reject).on('end', () => {
      socket.end()
      resolve(said.slice(said.indexOf('\r\n\r\n') + 4))
    })
  })
}

/** Datagrams may be lost while the server starts, so it is asked again. */
async function echoed(port: number, word: string): Promise<string> {
  const socket = createSocket('udp4')
  const again = setInterval(() => socket.send(word, port, '127.0.0.1'), 100)
  try {
    const [answer] = await once(socket, 'message')
    return String(answer)
  } finally {
    clearInterval(again)
    socket.close()
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}

function hasLoopback6(): boolean {
  try {
    return /^0{31}1 /m.test(readFileSync('/proc/net/if_inet6', 'latin1'))
  } catch {
    return false
  }
}

/** Waits until no process names a path below the folder or has a store there. */
async function untilNobodyHas(folder: string): Promise<void> {
  const busy = (): boolean =>
    list('/proc').some(pid => {
      if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return false
      try {
        return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`SHALE_ROOT=${folder}`)
      } catch {
        return false
      }
    })
  while (busy()) await delay(20)
}
