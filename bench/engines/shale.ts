import { cp, mkdir, readFile, rename, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { mustRun, run } from '../../scripts/bases/process.ts'
import { ShaleError } from '../../src/error.ts'
import { peakMemory } from '../memory.ts'
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
  // Its `node` is ours.
  const path = `${dirname(process.execPath)}:${process.env.PATH}`
  return { ...Object.fromEntries(kept), PATH: path, SHALE_ROOT: root }
}

/**
 * `bin/shale` on a store of its own, as the checkout runs it, or as it is published: bundled. Stores that a reset throws
 * away are removed when it is closed.
 */
export async function openShale(work: string, form: 'source' | 'published' = 'source'): Promise<Engine> {
  const bin = form === 'published' ? await publish(join(work, 'package')) : BIN
  const root = join(work, 'shale')
  const old = join(work, 'shale-old')
  await mkdir(old)
  let resets = 0
  const exec = async (args: readonly string[]) => {
    const start = performance.now()
    const { code, stdout, stderr } = await run(bin, args, { env: shaleEnv(root) })
    const seconds = (performance.now() - start) / 1000
    if (code === 0) return { seconds, stdout }
    throw new ShaleError('BENCH_COMMAND_FAILED', `shale ${args.join(' ')} ended with ${code}:\n${stderr.trim()}`)
  }
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
  return {
    name: 'shale',
    version: `Shale ${version} (${form})`,
    commands: COMMANDS,
    exec,
    peak: args => peakMemory(bin, args, shaleEnv(root)),
    reset: async () => {
      await rename(root, join(old, String(resets++))).catch(() => {})
    },
    close: async () => {
      await mustRun('rm', ['-rf', '--one-file-system', root, old])
    },
  }
}

/** What the npm package holds, in a folder: `bin/shale` runs the bundle where there is no source. */
async function publish(folder: string): Promise<string> {
  await mustRun(process.execPath, [join(ROOT, 'scripts/build.ts')])
  await mkdir(folder)
  for (const name of ['bin', 'dist', 'package.json'])
    await cp(join(ROOT, name), join(folder, name), { recursive: true })
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  return join(folder, 'bin/shale')
}
