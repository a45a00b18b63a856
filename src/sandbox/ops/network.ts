import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ShaleError } from '../../error.ts'
import { inUse } from '../../network/allocate.ts'
import type { PrivateNetwork } from '../../network/options.ts'
import { pastaArguments } from '../../network/pasta.ts'
import { hasLoopbackServer } from '../../network/resolve-conf.ts'
import type { RuntimeSpec } from '../bundle.ts'
import type { ForwarderInput, ForwarderReport } from '../forwarder-main.ts'
import type { HelperHost } from '../protocol.ts'
import { MS, mount, unmountLazily } from '../syscalls.ts'

/** A network namespace that a container is to join, connected to this machine's network. */
export interface OpenNetwork {
  /** A file of the helper's own mount namespace that is the network namespace. */
  readonly namespace: string
  /** Closes its ports; the namespace goes with its last process. */
  close(): void
}

/** Bundled, this module and forwarder-main are in one folder; as written, this one is a level below. */
const HERE = fileURLToPath(import.meta.url)
const FORWARDER = fileURLToPath(
  new URL(extname(HERE) === '.ts' ? '../forwarder-main.ts' : './forwarder-main.cjs', import.meta.url),
)

/** Resolves when its ports can be reached. Throws `PORT_IN_USE`, `NETWORK_UNAVAILABLE`. */
export async function openNetwork(
  { ports, outward }: PrivateNetwork,
  work: string,
  host: HelperHost,
): Promise<OpenNetwork> {
  const folder = mkdtempSync(`${namespaceFolder(work)}-`)
  const namespace = join(folder, 'net')
  writeFileSync(namespace, '')
  const remove = (): void => {
    killPasta(namespace)
    unmountLazily(namespace)
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await makeNamespace(namespace)
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw unavailable((error as Error).message.trim())
  }
  try {
    // pasta of 2023 loses the answers of datagrams that come over loopback to a port with another number inside.
    const ours = outward ? ports.filter(({ protocol }) => protocol === 'udp') : ports
    if (outward) {
      const theirs = ports.filter(({ protocol }) => protocol === 'tcp')
      await runPasta(pastaArguments({ namespace, ports: theirs, root: !host.rootless, dns: asksLoopback() }))
    }
    const forwarder = ours.length === 0 ? undefined : await startForwarder({ namespace, ports: ours })
    return {
      namespace,
      close() {
        forwarder?.kill('SIGKILL')
        remove()
      },
    }
  } catch (error) {
    remove()
    throw error
  }
}

/** The container's own network is the one at the path, not a new one. */
export function withNetwork(spec: RuntimeSpec, path: string): RuntimeSpec {
  const others = spec.linux.namespaces.filter(({ type }) => type !== 'network')
  return { ...spec, linux: { ...spec.linux, namespaces: [...others, { type: 'network', path }] } }
}

const execute = promisify(execFile)

/** As docker has it, in a network of its own any user may listen on port 80. Source: ip-sysctl. */
const ANY_PORT = 'echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start'

/** By a process of its own: an ordinary user's could not come back to this machine's network. */
async function makeNamespace(path: string): Promise<void> {
  await execute('unshare', [`--net=${path}`, 'sh', '-c', ANY_PORT])
}

let shelf: string | undefined

/**
 * Begin of the name of the folder for a namespace's file. pasta's AppArmor profile lets it see such files where podman
 * has them, and not in a store; ours are in memory there, and nobody but the helper sees them.
 */
function namespaceFolder(work: string): string {
  if (shelf !== undefined) return shelf
  const user = `/run/user/${hostUid()}`
  if (!existsSync(user)) return `${work}-net`
  try {
    const folder = join(user, 'netns')
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    mount({ source: 'tmpfs', target: folder, type: 'tmpfs', flags: MS.nosuid | MS.nodev, data: 'mode=700' })
    shelf = join(folder, 'shale')
    return shelf
  } catch {
    return `${work}-net`
  }
}

/** Who we are outside of our user namespace. Source: user_namespaces(7). */
function hostUid(): number {
  return Number(/^\s*0\s+(\d+)/m.exec(readFileSync('/proc/self/uid_map', 'latin1'))?.[1] ?? 0)
}

function asksLoopback(): boolean {
  try {
    return hasLoopbackServer(readFileSync('/etc/resolv.conf', 'utf8'))
  } catch {
    return false
  }
}

/** It leaves its parent when all is set up, and lives in the background from then on. */
function runPasta(args: readonly string[]): Promise<void> {
  const child = spawn('pasta', args, { stdio: ['ignore', 'ignore', 'pipe'], detached: true })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4096)
  })
  return new Promise((resolve, reject) => {
    child.once('error', error => reject(unavailable(`pasta cannot be started: ${error.message}`)))
    // Not `close`: it may keep the descriptor.
    child.once('exit', code => {
      child.stderr.destroy()
      if (code === 0) resolve()
      else setImmediate(() => reject(pastaFailed(said)))
    })
  })
}

/** By its arguments, of which the namespace's file is one: its AppArmor profile does not let it write a file for us. */
function killPasta(namespace: string): void {
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0')
      if (words[0] === 'pasta' && words.includes(namespace)) process.kill(Number(pid), 'SIGKILL')
    } catch {
      // It has ended meanwhile.
    }
  }
}

function pastaFailed(said: string): ShaleError {
  // Where there is no system log it complains of that with every line.
  const words = said
    .split('\n')
    .filter(line => line !== '' && !/to syslog$|^Don't run as root/.test(line))
    .join('; ')
  const port = /port (\d+)[^;]*(?:in use|bind)/i.exec(words)?.[1]
  return port === undefined ? unavailable(`pasta has failed: ${words}`) : inUse({}, Number(port))
}

function startForwarder(input: ForwarderInput): Promise<ChildProcess> {
  const child = spawn(process.execPath, [FORWARDER], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], detached: true })
  child.send(input)
  return new Promise((resolve, reject) => {
    child.once('error', error => reject(unavailable(error.message)))
    child.once('exit', code => reject(unavailable(`the process that carries the ports has ended (${code})`)))
    child.once('message', (report: ForwarderReport) => {
      if (report.kind === 'ready') resolve(child)
      else reject(report.code === 'EADDRINUSE' ? inUse(report.port, report.port.hostPort) : unavailable(report.message))
      if (report.kind === 'failed') child.kill('SIGKILL')
    })
  })
}

function unavailable(why: string): ShaleError {
  return new ShaleError('NETWORK_UNAVAILABLE', `cannot make a network for the container: ${why}`, {
    hint: 'use the network of this machine with --network host, or none with --network none',
    exitCode: 125,
  })
}
