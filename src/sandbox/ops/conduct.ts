import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { ShaleError } from '../../error.ts'
import type { OperationContext } from '../protocol.ts'
import type { RunConfig, RunControl, RunOutput, RunResult } from '../run-request.ts'
import { type CommandPipes, openPipes } from './command-pipes.ts'
import type { InitProcess } from './init-process.ts'
import type { OpenTerminal } from './terminal.ts'

/** What `run` and `exec` have in common. */
export type Conductor = Pick<OperationContext<'run'>, 'signal' | 'emit' | 'onControl'>

/** At most one of them; without any the command has the caller's streams. */
export interface Streams {
  readonly terminal: OpenTerminal | undefined
  readonly pipes: CommandPipes | undefined
}

export interface Conducted<I> extends Streams {
  readonly init: InitProcess<I>
  readonly input: I
  /** Called when the command has its streams, or never will. */
  readonly handedOver?: (() => void) | undefined
  /** Default: what the whole machine counts. */
  readonly oomKills?: (() => number) | undefined
}

/** None where the streams are a terminal's, or the caller's own. */
export function pipesOf({ terminal, stdio }: RunConfig): CommandPipes | undefined {
  if (terminal !== undefined || stdio === 'inherit') return undefined
  return openPipes(stdio === 'open' || stdio instanceof Uint8Array ? stdio : undefined)
}

/** Has a waiting process become its command, passes streams and controls to and fro, and gives how it ended. */
export async function conduct<I>(conducted: Conducted<I>, context: Conductor): Promise<RunResult> {
  const { init, input, terminal, pipes, handedOver, oomKills = machineOomKills } = conducted
  const { signal } = context
  const oomKillsBefore = oomKills()
  const abort = (): void => {
    init.kill('SIGKILL')
    terminal?.hangUp()
  }
  signal.addEventListener('abort', abort, { once: true })
  try {
    const { ready, started, failure: failed } = init.begin(input)
    const over = ready.then(() => {
      pipes?.handedOver()
      handedOver?.()
    })
    void started.then(pid => (pid === undefined ? undefined : context.emit({ pid })))
    context.onControl(control => obey(control, { init, ready, terminal, pipes }))
    void init.exited
      .catch(() => {})
      .finally(() => {
        terminal?.hangUp()
        pipes?.endInput()
      })
    const ends = Promise.all(outputs(conducted).map(([stream, source]) => pump(source, stream, context)))
    const [failure] = await Promise.all([failed, over, ends])
    const ended = await init.exited
    signal.throwIfAborted()
    if (failure?.kind === 'setup') throw new ShaleError(failure.code, failure.message, { hint: failure.hint })
    if (failure !== undefined) return { exitCode: failure.exitCode, startError: failure.message, oomKilled: false }
    return result(ended, oomKills() > oomKillsBefore)
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

interface Controlled extends Streams {
  readonly init: Pick<InitProcess, 'kill'>
  readonly ready: Promise<void>
}

function obey(control: RunControl, { init, ready, terminal, pipes }: Controlled): void {
  switch (control.kind) {
    case 'signal':
      // Before it is the command, the process would do with it what Node does.
      void ready.then(() => init.kill(control.signal))
      break
    case 'input':
      terminal?.type(control.chunk)
      pipes?.write(control.chunk)
      break
    case 'end-input':
      pipes?.endInput()
      break
    case 'resize':
      terminal?.resize(control.size)
      break
  }
}

function result(ended: Awaited<InitProcess['exited']>, memoryRanOut: boolean): RunResult {
  const { signal } = ended
  const exitCode = signal === null ? (ended.code ?? 0) : 128 + constants.signals[signal]
  return { exitCode, ...(signal === null ? {} : { signal }), oomKilled: memoryRanOut && exitCode === 137 }
}

/** What the command writes, and as what; nothing when its streams are the caller's own. */
function outputs({ terminal, pipes }: Streams): readonly (readonly [RunOutput['stream'], AsyncIterable<Uint8Array>])[] {
  if (terminal !== undefined) return [['stdout', terminal.output()]]
  if (pipes === undefined) return []
  return [
    ['stdout', pipes.stdout],
    ['stderr', pipes.stderr],
  ]
}

/** Hands on what the command writes, no faster than the receiver takes it. */
async function pump(
  source: AsyncIterable<Uint8Array>,
  stream: RunOutput['stream'],
  { emit }: Conductor,
): Promise<void> {
  for await (const chunk of source) await emit({ stream, chunk })
}

/** How many processes the kernel has ended for lack of memory since it booted. */
function machineOomKills(): number {
  const count = /^oom_kill (\d+)$/m.exec(readFileSync('/proc/vmstat', 'latin1'))?.[1]
  return Number(count ?? 0)
}
