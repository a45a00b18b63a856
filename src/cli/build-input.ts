import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { BuildOptions } from '../build/options.ts'
import { ShaleError } from '../error.ts'
import { parseGitUrl } from '../remote/git-url.ts'

/** Where a build reads from. */
export type BuildInput = Pick<BuildOptions, 'context' | 'contextBytes' | 'dockerfile' | 'dockerfileText'>

/** Context and Dockerfile as `PATH | URL | -` and `-f FILE | -` name them; the standard input is read by the build. */
export async function buildInput(path: string, file: string | undefined): Promise<BuildInput> {
  if (path === '-' && file === '-') {
    throw new ShaleError('STDIN_TWICE', 'invalid argument: can’t use stdin for both build context and Dockerfile')
  }
  if (path === '-') return { context: '-', contextBytes: process.stdin, dockerfile: file }
  const context = place(path)
  if (file === '-') return { context, dockerfileText: await readStdin() }
  // The Dockerfile of what is fetched or unpacked is a path in that.
  const isFolder = statSync(context, { throwIfNoEntry: false })?.isDirectory() === true
  return { context, dockerfile: file === undefined || !isFolder ? file : resolve(file) }
}

/** The values of `--build-context name=place`. Throws `INVALID_BUILD_CONTEXT`. */
export function buildContexts(values: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    values.map(value => {
      const [, name, at] = /^([^=]+)=(.+)$/s.exec(value) ?? []
      if (name !== undefined && at !== undefined) return [name, namedPlace(at)]
      throw new ShaleError('INVALID_BUILD_CONTEXT', `invalid --build-context ${JSON.stringify(value)}`, {
        hint: 'write it as name=place: --build-context shared=../shared',
      })
    }),
  )
}

function namedPlace(text: string): string {
  const [, folder] = /^oci-layout:\/\/(.*)$/s.exec(text) ?? []
  if (folder !== undefined) return `oci-layout://${resolve(folder)}`
  return text.startsWith('docker-image://') ? text : place(text)
}

export async function readStdin(): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

/** An address as it is, a path made absolute; what exists is a path, whatever it looks like. */
function place(text: string): string {
  const isAddress = /^https?:\/\//.test(text) || parseGitUrl(text) !== undefined
  return isAddress && !existsSync(text) ? text : resolve(text)
}
