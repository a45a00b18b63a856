import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isErrno } from '../error.ts'
import type { RunConfig, RunOutput, RunRequest } from './run-request.ts'

/** For the tests of this folder. */

const APPLETS = ['cat', 'chmod', 'dd', 'echo', 'env', 'false', 'head', 'hostname', 'id', 'kill', 'ln', 'ls', 'mkdir']
const MORE = [
  'mknod',
  'ps',
  'readlink',
  'rm',
  'sh',
  'sleep',
  'stat',
  'test',
  'touch',
  'true',
  'wc',
  'yes',
  'ip',
  'ulimit',
]

/** The static busybox of Debian's archive, fetched once for a machine. */
export function busybox(): string {
  const kept = join(tmpdir(), `shale-test-busybox-${process.getuid?.()}`)
  const program = join(kept, 'bin/busybox')
  if (existsSync(program)) return program
  const folder = mkdtempSync(join(tmpdir(), 'shale-busybox-'))
  try {
    chmodSync(folder, 0o755)
    execFileSync('apt-get', ['download', '-qq', 'busybox-static'], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
    const archive = readdirSync(folder).find(name => name.endsWith('.deb')) as string
    execFileSync('dpkg-deb', ['-x', archive, join(folder, 'root')], { cwd: folder })
    putInPlace(join(folder, 'root'), kept)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return program
}

/** Test processes start together: the one that comes second finds the folder there, whole, and takes it. */
function putInPlace(made: string, kept: string): void {
  try {
    renameSync(made, kept)
  } catch (error) {
    if (!isErrno(error, 'ENOTEMPTY') && !isErrno(error, 'EEXIST')) throw error
  }
}

/** A folder laid out like a store's trees, with a busybox as the lowest tree. */
export interface Trees {
  readonly root: string
  readonly base: string
  /** A further tree, empty. */
  tree(name: string): string
  /** A request on the base (and what `lowers` adds on top) with a fresh upper folder. */
  request(args: readonly string[], more?: Partial<RunConfig>, rest?: Partial<RunRequest>): RunRequest
  remove(): void
}

export function makeTrees(): Trees {
  const root = mkdtempSync(join(tmpdir(), 'shale-sandbox-'))
  chmodSync(root, 0o755)
  const base = join(root, 'trees/1')
  mkdirSync(join(base, 'bin'), { recursive: true })
  copyFileSync(busybox(), join(base, 'bin/busybox'))
  for (const name of [...APPLETS, ...MORE]) symlinkSync('busybox', join(base, 'bin', name))
  let runs = 0
  return {
    root,
    base,
    tree: name => {
      const path = join(root, 'trees', name)
      mkdirSync(path)
      return path
    },
    request: (args, more = {}, rest = {}) => {
      const upper = join(root, `run${++runs}/upper`)
      const work = join(root, `run${runs}/work`)
      mkdirSync(upper, { recursive: true })
      mkdirSync(work)
      const config: RunConfig = { args, env: ['PATH=/bin'], networkMode: 'host', ...more }
      return { lowers: [base], upper, work, ...rest, config }
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  }
}

/** Collects what a command writes. */
export function collector(): { readonly onOutput: (output: RunOutput) => void; text(stream?: string): string } {
  const chunks: RunOutput[] = []
  return {
    onOutput: output => void chunks.push(output),
    text: (stream = 'stdout') =>
      Buffer.concat(chunks.filter(each => each.stream === stream).map(each => each.chunk)).toString(),
  }
}
