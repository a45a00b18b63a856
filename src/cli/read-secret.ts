import { ShaleError } from '../error.ts'
import type { Context } from './command.ts'

const BACKSPACE = /[\b\x7f]/
const MAX_SECRET = 64 * 1024

/** All of the standard input without its last line end; for passwords that scripts hand over. */
export async function readStdinSecret(): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    size += chunk.byteLength
    if (size > MAX_SECRET) throw new ShaleError('SECRET_TOO_LONG', `the password has more than ${MAX_SECRET} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '')
}

/** Asks on the terminal for a line; `hidden` shows nothing of what is typed. Throws `CANCELED` on Ctrl-C and Ctrl-D. */
export async function askLine(context: Context, question: string, hidden: boolean): Promise<string> {
  const { stdin } = process
  // Before the question, for who types at once must not see the answer either.
  stdin.setRawMode(true)
  stdin.setEncoding('utf8')
  context.out.write(question)
  try {
    return await typedLine(context, stdin, hidden)
  } finally {
    stdin.setRawMode(false)
    stdin.pause()
    context.out.write('\n')
  }
}

async function typedLine(context: Context, stdin: NodeJS.ReadStream, hidden: boolean): Promise<string> {
  let line = ''
  return await new Promise((resolve, reject) => {
    const finish = (settle: () => void) => {
      stdin.off('data', onData).off('end', cancel)
      settle()
    }
    const cancel = () => finish(() => reject(new ShaleError('CANCELED', 'login has been cancelled', { exitCode: 130 })))
    const onData = (typed: string) => {
      for (const letter of typed) {
        if (letter === '\r' || letter === '\n') return finish(() => resolve(line))
        if (letter === '\x03' || (letter === '\x04' && line === '')) return cancel()
        const erases = BACKSPACE.test(letter)
        if (!hidden && erases && line !== '') context.out.write('\b \b')
        else if (!hidden && letter >= ' ' && !erases) context.out.write(letter)
        line = erases ? [...line].slice(0, -1).join('') : letter >= ' ' ? line + letter : line
      }
    }
    stdin.on('data', onData).on('end', cancel).resume()
  })
}
