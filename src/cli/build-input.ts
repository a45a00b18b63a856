import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { ShaleError } from '../error.ts'

/** Where a build reads from. */
export interface BuildInput {
  /** Absolute path of the context folder. */
  readonly context: string
  readonly dockerfile?: string | undefined
  readonly dockerfileText?: string | undefined
  /** Removes what was made for the build. */
  readonly end: () => void
  /** The build's error in the user's words, who knows nothing of what was made for the build. */
  readonly explain: (error: unknown) => unknown
}

const NOTHING_MADE = { end: () => undefined, explain: (error: unknown) => error }

/** Finds context and Dockerfile as `PATH | -` and `-f FILE | -` name them. Reads the standard input when told to. */
export async function buildInput(path: string, file: string | undefined): Promise<BuildInput> {
  if (/^(?:https?|git|ssh):\/\/|^git@|\.git(?:#|$)/.test(path)) {
    throw new ShaleError('REMOTE_CONTEXT', `a context from a URL is not supported yet: ${path}`, {
      hint: 'fetch it first and build the folder',
    })
  }
  if (path === '-') return await inputFromStdin(file)
  const context = resolve(path)
  if (file === '-') return { context, dockerfileText: (await readStdin()).toString('utf8'), ...NOTHING_MADE }
  return { context, dockerfile: file === undefined ? undefined : resolve(file), ...NOTHING_MADE }
}

/** `build - < Dockerfile`: nothing to copy from. */
async function inputFromStdin(file: string | undefined): Promise<BuildInput> {
  if (file === '-')
    throw new ShaleError('STDIN_TWICE', 'invalid argument: can’t use stdin for both build context and Dockerfile')
  const bytes = await readStdin()
  const isTar = bytes.subarray(257, 262).toString('latin1') === 'ustar'
  if (isTar || bytes[0] === 0x1f || bytes.subarray(0, 4).toString('latin1') === '\x28\xb5\x2f\xfd') {
    throw new ShaleError('TAR_CONTEXT', 'a context as a tar archive is not supported yet', {
      hint: 'unpack it and build the folder',
    })
  }
  const context = mkdtempSync(join(tmpdir(), 'shale-empty-context-'))
  return {
    context,
    dockerfileText: bytes.toString('utf8'),
    end: () => rmSync(context, { recursive: true, force: true }),
    explain: error => withoutContext(error, context),
  }
}

/** The empty folder stands in for a context that there is not: its name tells the user nothing. */
function withoutContext(error: unknown, folder: string): unknown {
  if (!(error instanceof ShaleError) || !error.message.includes(folder)) return error
  const what = error.message.replace(/:? ?(?:not found )?in the build context .*$/s, '').replaceAll(folder, '.')
  const why = 'the build context is empty: the Dockerfile came from standard input, without a folder'
  return new ShaleError(error.code, `${what}: ${why}`, {
    source: error.source,
    cause: error,
    hint: 'name a folder to copy from: shale build -f - . < Dockerfile',
  })
}

async function readStdin(): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
