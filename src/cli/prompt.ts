import { createInterface } from 'node:readline'
import { ShaleError } from '../error.ts'
import type { Context } from './command.ts'

/**
 * Asks on the terminal and reads a line of the standard input, as docker does. Throws `CANCELED` unless it says yes;
 * `what` names what is called off: `image prune`.
 */
export async function confirm(context: Context, warning: string, what: string): Promise<void> {
  context.err.write(`${warning}\nAre you sure you want to continue? [y/N] `)
  const answer = await readLine()
  if (!process.stdin.isTTY) context.err.write('\n')
  if (/^y(?:es)?$/i.test(answer?.trim() ?? '')) return
  throw new ShaleError('CANCELED', `${what} has been cancelled`, {
    hint: answer === undefined ? 'nobody answered; use --force to go without asking' : undefined,
  })
}

/** The first line of the standard input; undefined when that is at its end. */
async function readLine(): Promise<string | undefined> {
  const lines = createInterface({ input: process.stdin, terminal: false })
  try {
    for await (const line of lines) return line
    return undefined
  } finally {
    lines.close()
  }
}
