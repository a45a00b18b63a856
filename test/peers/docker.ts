import { chmod, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mustRun } from '../../scripts/bases/process.ts'
import { runInPeerRoot } from './root.ts'
import { startServer } from './server.ts'

export interface DockerEngine {
  /** Where it listens, for `docker -H`. */
  readonly host: string
  /** Runs `docker ARGS…` against the engine; host paths under `shared` are the same inside. */
  readonly docker: (...args: readonly string[]) => Promise<string>
  readonly stop: () => Promise<void>
  readonly log: () => string
}

/** A Docker Engine of its own, without network bridges, its data in a temporary folder that `stop` removes. */
export async function startDocker(shared: readonly string[] = []): Promise<DockerEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'shale-docker-'))
  await chmod(folder, 0o711)
  const socket = `unix://${folder}/docker.sock`
  const binds = [folder, ...shared].map(path => ({ host: path, inner: path }))
  const client = { binds, set: 'engines' } as const
  const ask = (args: readonly string[]) => runInPeerRoot(['docker', '-H', socket, ...args], client)
  const docker = async (...args: readonly string[]) => {
    const outcome = await ask(args)
    if (outcome.code === 0) return outcome.stdout
    throw new Error(`docker ${args.join(' ')} ended with ${outcome.code}: ${outcome.stderr}`)
  }
  const remove = async () => {
    await mustRun('rm', ['-rf', '--one-file-system', folder])
  }
  try {
    const isReady = async () => (await ask(['version'])).code === 0
    const server = await startServer(dockerd(folder, socket), isReady, client)
    return { host: socket, docker, log: server.log, stop: () => server.stop().finally(remove) }
  } catch (error) {
    await remove()
    throw error
  }
}

function dockerd(folder: string, socket: string): readonly string[] {
  const state = [`--data-root=${folder}/data`, `--exec-root=${folder}/exec`, `--pidfile=${folder}/pid`]
  const network = ['--iptables=false', '--ip6tables=false', '--bridge=none']
  return ['dockerd', '-H', socket, ...state, ...network, '--storage-driver=overlay2']
}
