// npm run build: dist/, which the npm package ships and a checkout does not need. Starts faster than the source, for it
// is few files and needs no type stripping.
import { execFile } from 'node:child_process'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'

const ROOT = join(import.meta.dirname, '..')
const DIST = join(ROOT, 'dist')

/**
 * All in one folder: modules find the programs that they start beside themselves. The command line, the library and the
 * programs and threads that they start share chunks, so that what two of them use is there once.
 */
const ENTRIES = {
  cli: 'src/cli/main.ts',
  index: 'src/index.ts',
  'helper-main': 'src/sandbox/helper-main.ts',
  'init-main': 'src/sandbox/init-main.ts',
  'frame-thread': 'src/layer/frame-thread.ts',
}

/** Has a compiled library of its own beside it. */
const EXTERNAL = ['koffi']

async function bundle(): Promise<readonly string[]> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: ENTRIES,
    outdir: DIST,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    external: EXTERNAL,
    chunkNames: 'chunk-[hash]',
    // Names stay, so that a stack trace says something; the white space goes.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  })
  const packages = Object.keys(metafile.inputs).flatMap(
    path => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? [],
  )
  return [...new Set(packages)].toSorted()
}

/** The licences of what the bundle contains ask to travel with it. */
async function licences(packages: readonly string[]): Promise<void> {
  const texts = packages.map(async name => {
    const folder = join(ROOT, 'node_modules', name)
    const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string }
    return `${name} ${version}\n\n${(await readFile(join(folder, 'LICENSE'), 'utf8')).trim()}\n`
  })
  const head = 'This folder contains code of the following packages.\n\n'
  await writeFile(join(DIST, 'LICENSES.txt'), head + (await Promise.all(texts)).join('\n---\n\n'))
}

async function declarations(): Promise<void> {
  const tsc = join(ROOT, 'node_modules/.bin/tsc')
  await promisify(execFile)(tsc, ['-p', 'scripts/build/tsconfig.json'], { cwd: ROOT }).catch(error => {
    throw new Error(`the declarations cannot be made:\n${error.stdout}`)
  })
}

const start = performance.now()
await rm(DIST, { recursive: true, force: true })
const [packages] = await Promise.all([bundle(), declarations()])
await licences(packages)
console.error(
  `dist/ built in ${((performance.now() - start) / 1000).toFixed(1)} s, with ${packages.join(' and ')} inside`,
)
