import { isErrno, ShaleError } from '../error.ts'
import type { Helper, RunningCommand } from '../sandbox/helper.ts'
import type { RunConfig, RunControl } from '../sandbox/run-request.ts'
import type { Channel, ExecOptions, FromSupervisor, ToSupervisor } from './channel.ts'
import { passOn } from './pass-on.ts'
import type { Live } from './supervise.ts'

/** Runs a further command in the container for whoever is at the other end; goes on when that one leaves, as docker's. */
export async function execFor(
  peer: Channel<ToSupervisor, FromSupervisor>,
  options: ExecOptions,
  { pid, helper, config }: Live,
): Promise<void> {
  const early: RunControl[] = []
  let command: RunningCommand | undefined
  peer.onMessage(message => {
    if (message.kind !== 'control') return
    if (command === undefined) early.push(message.control)
    else passOn(message.control, command)
  })
  try {
    if (pid === undefined) throw new ShaleError('CONTAINER_NOT_RUNNING', 'the container is not running')
    const result = await helper.exec(
      { pid, config: await execConfig(config, options, pid, helper) },
      {
        onOutput: output => peer.send({ kind: 'output', output }),
        onStarted: () => void peer.send({ kind: 'started' }),
        onRunning: running => {
          command = running
          for (const control of early.splice(0)) passOn(control, running)
        },
      },
    )
    await peer.send({ kind: 'result', result })
  } catch (error) {
    const { message } = error as Error
    const known = error instanceof ShaleError ? error : { code: 'EXEC_FAILED', hint: undefined }
    await peer.send({ kind: 'failure', code: known.code, message, hint: known.hint })
  } finally {
    peer.end()
  }
}

async function execConfig(
  container: RunConfig,
  { args, env, workdir, user, privileged, terminal, stdin }: ExecOptions,
  pid: number,
  helper: Helper,
): Promise<RunConfig> {
  const { terminal: _, ...config } = container
  const who = user === undefined ? undefined : await identityOf(user, pid, helper)
  const home = who === undefined || env.some(line => line.startsWith('HOME=')) ? [] : [`HOME=${who.home}`]
  const term = terminal === undefined ? [] : ['TERM=xterm']
  return {
    ...config,
    args,
    env: withVariables(config.env, [...term, ...home, ...env]),
    ...(workdir !== undefined && { cwd: workdir }),
    ...(who !== undefined && { uid: who.uid, gid: who.gid, additionalGids: who.groups }),
    ...(privileged === true && { privileged }),
    ...(terminal !== undefined && { terminal }),
    stdio: stdin ? 'open' : 'null',
  }
}

function withVariables(env: readonly string[], added: readonly string[]): readonly string[] {
  const names = new Set(added.map(line => line.slice(0, line.indexOf('=') + 1)))
  return [...env.filter(line => !names.has(line.slice(0, line.indexOf('=') + 1))), ...added]
}

/** By the container's own list of users, as it is now. */
async function identityOf(user: string, pid: number, helper: Helper) {
  const { processIdentity } = await import('../build/users.ts')
  return await processIdentity(user, async path => {
    try {
      return Buffer.from(await helper.call('readFile', { root: `/proc/${pid}/root`, path }))
    } catch (error) {
      if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined
      throw error
    }
  })
}
