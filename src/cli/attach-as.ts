import type { OnOutput, Session } from '../container/attach.ts'
import { ShaleError } from '../error.ts'
import { beThere, type Presence } from './be-there.ts'
import type { Context } from './command.ts'
import { signalProxy } from './signal-proxy.ts'

export interface Attachment extends Presence {
  /** Signals that we get are the command's. */
  readonly sigProxy: boolean
}

/** Is there while a container's own command runs; gives its exit code, 0 when left before. */
export async function attachAs(
  connect: (onOutput: OnOutput) => Promise<Session>,
  context: Context,
  { sigProxy, ...presence }: Attachment,
): Promise<number> {
  if (presence.terminal && presence.stdin && !process.stdin.isTTY) {
    throw new ShaleError('NO_TERMINAL', 'the input device is not a TTY', { hint: 'the container has a terminal' })
  }
  const session = await connect(({ stream, chunk }) => (stream === 'stdout' ? context.out : context.err).write(chunk))
  const signals = sigProxy && !presence.terminal ? signalProxy() : undefined
  signals?.passTo(session.command)
  try {
    const exitCode = await beThere(session, presence)
    if (exitCode === undefined) context.err.write('read escape sequence\n')
    return exitCode ?? 0
  } finally {
    signals?.end()
  }
}
