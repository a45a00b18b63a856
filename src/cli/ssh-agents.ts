import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { SshAgent } from '../build/options.ts'
import { isErrno, ShaleError } from '../error.ts'

/** Agents for a build, those included that were started for keys. */
export interface SshAgents {
  readonly agents: readonly SshAgent[]
  /** Ends the agents that were started. */
  end(): void
}

/**
 * Reads `--ssh default`, `--ssh id=socket`, `--ssh id=key[,key]`. For key files an agent of OpenSSH is started, which
 * keeps them in its memory. Throws `INVALID_SSH`, `SSH_AGENT_MISSING`.
 */
export async function sshAgents(
  words: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<SshAgents> {
  const ends: (() => void)[] = []
  const end = () => {
    for (const each of ends.splice(0)) each()
  }
  try {
    const agents: SshAgent[] = []
    for (const word of words) agents.push(await agentOf(word, env, ends))
    return { agents, end }
  } catch (error) {
    end()
    throw error
  }
}

async function agentOf(
  word: string,
  env: Readonly<Record<string, string | undefined>>,
  ends: (() => void)[],
): Promise<SshAgent> {
  const equals = word.indexOf('=')
  const id = equals < 0 ? word : word.slice(0, equals)
  const given = equals < 0 ? [] : word.slice(equals + 1).split(',')
  const paths = given.filter(path => path !== '').map(path => resolve(path))
  const [first, ...more] = paths
  if (first === undefined) {
    const socket = env.SSH_AUTH_SOCK
    if (socket) return { id, socket }
    throw new ShaleError('INVALID_SSH', `invalid ssh agent ${JSON.stringify(word)}: SSH_AUTH_SOCK is not set`, {
      hint: `start an agent (eval $(ssh-agent); ssh-add), or name a key: --ssh ${id}=$HOME/.ssh/id_ed25519`,
    })
  }
  if (isSocket(word, first) && more.length === 0) return { id, socket: first }
  for (const path of more) {
    if (isSocket(word, path)) throw new ShaleError('INVALID_SSH', `${word}: a socket stands alone: ${path}`)
  }
  return { id, socket: await startAgent(paths, ends) }
}

function isSocket(word: string, path: string): boolean {
  try {
    return statSync(path).isSocket()
  } catch (cause) {
    if (!isErrno(cause)) throw cause
    throw new ShaleError('INVALID_SSH', `invalid ssh agent ${JSON.stringify(word)}: cannot find ${path}`, { cause })
  }
}

async function startAgent(keys: readonly string[], ends: (() => void)[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'shale-ssh-'))
  ends.push(() => rmSync(folder, { recursive: true, force: true }))
  const socket = join(folder, 'agent')
  const child = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'ignore'] })
  ends.push(() => child.kill())
  await started(child)
  try {
    await promisify(execFile)('ssh-add', ['-q', ...keys], {
      env: { ...process.env, SSH_AUTH_SOCK: socket, SSH_ASKPASS_REQUIRE: 'never' },
    })
  } catch (cause) {
    const { stderr = '' } = cause as { stderr?: string }
    throw new ShaleError(
      'INVALID_SSH',
      `cannot load ${keys.join(', ')}: ${stderr.trim() || (cause as Error).message}`,
      {
        hint: 'a key with a passphrase has to be in an agent: ssh-add it, and build with --ssh default',
        cause,
      },
    )
  }
  return socket
}

/** It says its address when it listens there. */
function started(child: ChildProcess): Promise<void> {
  return new Promise((done, reject) => {
    child.once('error', cause =>
      reject(
        new ShaleError('SSH_AGENT_MISSING', `cannot start ssh-agent: ${cause.message}`, {
          hint: 'install openssh-client, or name the socket of an agent: --ssh id=/path/to/socket',
          cause,
        }),
      ),
    )
    child.once('exit', () => reject(new ShaleError('SSH_AGENT_MISSING', 'ssh-agent ended before it had started')))
    child.stdout?.once('data', () => done())
  })
}
