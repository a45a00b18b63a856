import type { Session } from '../container/attach.ts'
import { detachWatch } from './detach-keys.ts'
import { windowSize } from './window-size.ts'

export interface Presence {
  readonly terminal: boolean
  readonly stdin: boolean
  readonly detachKeys: readonly number[]
}

/** What we type or are given goes to the command, until its end or the keys that leave it; gives its exit code. */
export async function beThere(
  session: Session,
  { terminal, stdin, detachKeys }: Presence,
): Promise<number | undefined> {
  const end = terminal ? await atTerminal(session, stdin, detachKeys) : stdin ? throughPipe(session) : () => {}
  try {
    return await session.exitCode
  } finally {
    end()
  }
}

async function atTerminal(session: Session, stdin: boolean, keys: readonly number[]): Promise<() => void> {
  const { followWindow, relayKeys } = await import('./relay-terminal.ts')
  session.command.resize(windowSize())
  const unfollow = followWindow(session.command)
  if (!stdin) return unfollow
  const watch = detachWatch(keys)
  const type = (chunk: Uint8Array): void => {
    const { pass, detached } = watch(chunk)
    if (pass.length > 0) session.command.type(pass)
    if (detached) session.leave()
  }
  const restore = relayKeys({ ...session.command, type }, () => session.leave())
  return () => {
    unfollow()
    restore()
  }
}

/** No faster than the other end takes it. */
function throughPipe(session: Session): () => void {
  const input = process.stdin
  void (async () => {
    for await (const chunk of input) await session.feed(chunk as Uint8Array)
    session.command.endInput()
  })().catch(() => {})
  return () => void input.destroy()
}
