import { ShaleError } from '../error.ts'
import type { RunningCommand } from '../sandbox/helper.ts'
import { rawMode } from '../sandbox/raw-mode.ts'
import { windowSize } from './window-size.ts'

/** How long a command has to come to an end, after SIGHUP, when nobody can see it any more. */
const GRACE_MS = 10_000

/** Keeps the command's window as large as ours; gives the function that ends this. */
export function followWindow(command: RunningCommand): () => void {
  const resized = () => command.resize(windowSize())
  process.stdout.on('resize', resized)
  return () => void process.stdout.off('resize', resized)
}

/**
 * Passes every key on to the command, Ctrl-C included; gives the function that ends this and makes our terminal as it
 * was. Calls `gone` when the terminal has been closed for some seconds.
 */
export function relayKeys(command: RunningCommand, gone: (reason: ShaleError) => void): () => void {
  const keys = process.stdin
  const restore = rawMode(0)
  const hungUp = () => {
    const reason = new ShaleError('INTERRUPTED', 'the terminal has been closed', { exitCode: 129 })
    setTimeout(() => gone(reason), GRACE_MS).unref()
  }
  const type = (chunk: Uint8Array) => command.type(chunk)
  // Whatever ends us, save for SIGKILL.
  process.once('exit', restore)
  keys.on('data', type).once('end', hungUp).once('error', hungUp)
  return () => {
    keys.off('data', type).off('end', hungUp).pause()
    process.off('exit', restore)
    restore()
  }
}
