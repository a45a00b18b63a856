// npm run build: dist/, which the npm package ships and a checkout does not need. Starts faster than the source, for it
// is few files and needs no type stripping.
import { execFile } from 'node:child_process'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type BuildOptions, build, transform } from 'esbuild'

const ROOT = join(import.meta.dirname, '..')
const DIST = join(ROOT, 'dist')

/**
 * The command line, and the programs and threads that it starts. All in one folder: modules find each other's programs
 * beside themselves, and share chunks, so that what two of them use is there once.
 */
const PROGRAMS = {
  cli: 'src/cli/main.ts',
  'helper-main': 'src/sandbox/helper-main.ts',
  'supervisor-main': 'src/container/supervisor-main.ts',
  'forwarder-main': 'src/sandbox/forwarder-main.ts',
  'frame-thread': 'src/layer/frame-thread.ts',
}

/** Starts with every container: in one file of its own, for each file costs it half a millisecond. */
const INIT = { 'init-main': 'src/sandbox/init-main.ts' }

/** What others import. */
const LIBRARY = { index: 'src/index.ts' }

const OPTIONS = {
  absWorkingDir: ROOT,
  outdir: DIST,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  // koffi has a compiled library of its own beside it; openpgp stays replaceable, as its licence (LGPL) wants it.
  external: ['koffi', 'openpgp'],
  // Names stay, so that a stack trace says something; the white space goes.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
} as const satisfies BuildOptions

async function bundle(): Promise<readonly string[]> {
  const program = { ...OPTIONS, chunkNames: 'program-[hash]', outExtension: { '.js': '.cjs' }, write: false } as const
  const [programs, init, library] = await Promise.all([
    build({ ...program, entryPoints: PROGRAMS }),
    build({ ...program, entryPoints: INIT, splitting: false }),
    build({ ...OPTIONS, entryPoints: LIBRARY, chunkNames: 'library-[hash]' }),
  ])
  const outputs = [...programs.outputFiles, ...init.outputFiles]
  await Promise.all(outputs.map(async ({ path, text }) => writeFile(path, await commonJs(text))))
  const inputs = [programs, init, library].flatMap(({ metafile }) => Object.keys(metafile.inputs))
  const packages = inputs.flatMap(path => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? [])
  return [...new Set(packages)].toSorted()
}

/**
 * A module as CommonJS, which Node loads in half the time, with Node's own modules loaded when something of them is
 * first used: node:crypto alone takes longer than all of a short command.
 */
async function commonJs(text: string): Promise<string> {
  const { code } = await transform(text, {
    format: 'cjs',
    platform: 'node',
    target: 'node24',
    minifyWhitespace: true,
    minifySyntax: true,
    supported: { 'dynamic-import': false },
    define: { 'import.meta.url': 'moduleUrl' },
  })
  const lazy = code.replaceAll(/=require\(("node:[\w/]+")\)/g, '=nodeModule$$($1)').replace(/^"use strict";/, '')
  const url = lazy.includes('moduleUrl') ? 'const moduleUrl=require("node:url").pathToFileURL(__filename).href;' : ''
  const lazily = lazy.includes('=nodeModule$(')
    ? 'const nodeModule$=name=>{let loaded;return new Proxy({},{get:(_,key)=>(loaded??=require(name))[key]})};'
    : ''
  return `"use strict";${lazily}${url}${lazy}`
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
