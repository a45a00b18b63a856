import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../../scripts/bases/process.ts'
import { ShaleError } from '../../src/error.ts'
import type { Commands, Engine } from './engine.ts'

const ROOT = join(import.meta.dirname, '../..')
export const BIN = join(ROOT, 'bin/shale')

const COMMANDS: Commands = {
  build: ({ context, dockerfile, tag, compression, buildArgs = {} }) => [
    ...['build', '-q', '--network=host', '--compression', compression, '-f', dockerfile, '-t', tag],
    ...Object.entries(buildArgs).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
    context,
  ],
  load: archive => ['load', '-q', '-i', archive],
  run: image => ['run', '--rm', '--network=host', image, 'true'],
  push: image => ['push', '-q', image],
  save: (image, archive) => ['save', '-o', archive, image],
  tag: (image, name) => ['tag', image, name],
  images: ['images'],
  version: ['--version'],
}

/** The environment of every call: the caller's, without what would change what the command line does. */
export function shaleEnv(root: string): NodeJS.ProcessEnv {
  const ours = /^(SHALE_|DOCKER_|BUILDKIT_|SOURCE_DATE_EPOCH$|NODE_OPTIONS$|NODE_TEST_CONTEXT$|NODE_V8_COVERAGE$)/
  const kept = Object.entries(process.env).filter(([name]) => !ours.test(name))
  return { ...Object.fromEntries(kept), SHALE_ROOT: root }
}

/** `bin/shale` on a store of its own. Stores that a reset throws away are removed when it is closed. */
export async function openShale(work: string): Promise<Engine> {
  const root = join(work, 'shale')
  const old = join(work, 'shale-old')
  await mkdir(old)
  let resets = 0
  const exec = async (args: readonly string[]) => {
    const start = performance.now()
    const { code, stdout, stderr } = await run(process.execPath, [BIN, ...args], { env: shaleEnv(root) })
    const seconds = (performance.now() - start) / 1000
    if (code === 0) return { seconds, stdout }
    throw new ShaleError('BENCH_COMMAND_FAILED', `shale ${args.join(' ')} ended with ${code}:\n${stderr.trim()}`)
  }
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
  return {
    name: 'shale',
    version: `Shale ${version}`,
    root,
    commands: COMMANDS,
    exec,
    reset: async () => {
      await rename(root, join(old, String(resets++))).catch(() => {})
    },
    close: async () => {
      await Promise.all([root, old].map(path => rm(path, { recursive: true, force: true })))
    },
  }
}
