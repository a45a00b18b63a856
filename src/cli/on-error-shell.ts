import type { FailedRun, OnFailedRun } from '../build/failed-run.ts'
import { ShaleError } from '../error.ts'
import type { Context } from './command.ts'
import type { Progress } from './progress/progress.ts'
import { oneLine } from './progress/text.ts'

/** Throws `NO_TERMINAL` where nobody could type at the shell. */
export function checkTerminal(): void {
  if (process.stdin.isTTY && process.stdout.isTTY) return
  throw new ShaleError('NO_TERMINAL', '--on-error=shell needs a terminal as standard input and output', {
    hint: 'leave it out where nobody is there to type',
  })
}

/** Opens a shell at our terminal in the file system of a step that has failed, and waits for its end. */
export function shellOnError(context: Context, progress: Progress): OnFailedRun {
  return async failed => {
    const resume = progress.pause()
    try {
      await openShell(context, failed)
    } finally {
      resume()
    }
  }
}

async function openShell({ out, err, signal }: Context, failed: FailedRun): Promise<void> {
  const { name, exitCode, args, shell } = failed
  const [{ followWindow, relayKeys }, { windowSize }] = await Promise.all([
    import('./relay-terminal.ts'),
    import('./window-size.ts'),
  ])
  err.write(`\n${oneLine(name)} has failed with exit code ${exitCode}. Its command:\n  ${args.at(-1)}\n`)
  err.write(`This is ${shell} where it ran. \`exit\` ends the build, and nothing that you do here stays.\n\n`)
  const gone = new AbortController()
  const endings: (() => void)[] = []
  try {
    const result = await failed.run({
      args: [shell],
      terminal: windowSize(),
      signal: AbortSignal.any([signal, gone.signal]),
      onOutput: ({ chunk }) => out.write(chunk),
      onRunning: running => {
        endings.push(
          followWindow(running),
          relayKeys(running, reason => gone.abort(reason)),
        )
      },
    })
    if (result.startError !== undefined) err.write(`There is no shell to be had: ${result.startError}\n`)
  } finally {
    for (const end of endings) end()
  }
}
