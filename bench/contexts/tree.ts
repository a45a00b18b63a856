import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Random } from '../../test/build/generated.ts'
import { noise, programText } from './text.ts'

/** Mean size of a file: 80,000 of them are 600 MB. */
const MEAN_BYTES = 7_500
const LARGEST = 4 * 1024 * 1024
const TEXT_BYTES = 48 * 1024 * 1024
const NOISE_BYTES = 8 * 1024 * 1024

const FOLDERS = ['', '', '', 'lib', 'lib', 'lib', 'dist/cjs', 'dist/esm', 'src', 'dist/esm/internal/types']
const STEMS = ['index', 'utils', 'parse', 'format', 'create', 'is', 'to', 'async', 'stream', 'error', 'base', 'node']
const ENDINGS = ['.js', '.js', '.js', '.d.ts', '.js.map', '.mjs', '.json', '.ts', '.md']
const BINARIES = ['.png', '.woff2', '.node', '.wasm']

/**
 * Writes a folder as `npm ci` leaves it: packages of 5 to 300 files, a third of them scoped, one in nine nested in
 * another's node_modules, program links in .bin. Sizes are spread log-normally (median 1.5 kB, mean 7.5 kB, at most 4 MB), four
 * files in a hundred do not compress. The same for one count on every machine; one file changes between builds: `changed.js`.
 */
export function writeTree(folder: string, files: number): void {
  const random = new Random(files)
  const content = contentOf(random)
  let left = files - 1
  let parent = ''
  mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true })
  for (let index = 0; left > 0; index++) {
    const name = packageName(random, index)
    const home = parent !== '' && random.chance(11) ? join(parent, 'node_modules', name) : join('node_modules', name)
    const count = Math.min(left, packageSize(random))
    writePackage(join(folder, home), count, random, content)
    left -= count
    parent = home
    if (random.chance(15)) symlinkSync(`../${name}/index.js`, join(folder, 'node_modules/.bin', `program-${index}`))
  }
  writeFileSync(join(folder, CHANGED), changedText(0))
}

/** The file that changes between builds, and what is in it the nth time. */
export const CHANGED = 'changed.js'
export function changedText(time: number): string {
  return `export const time = ${time}\n`
}

/** Most packages are small, some are very large: 5 to 300 files. */
function packageSize(random: Random): number {
  return 5 + Math.floor((random.below(1_000) * random.below(1_000) * random.below(1_000) * 1_180) / 1e9 / 4)
}

function packageName(random: Random, index: number): string {
  const name = `${random.pick(STEMS)}-${random.pick(STEMS)}-${index}`
  return random.chance(33) ? `@scope-${index % 37}/${name}` : name
}

type Content = (compressible: boolean) => Buffer

/** Slices of a stock of text and of noise; sizes spread log-normally. */
function contentOf(random: Random): Content {
  const text = programText(TEXT_BYTES, 1)
  const binary = noise(NOISE_BYTES, 2)
  const sigma = 1.79
  const median = (MEAN_BYTES * 1.01) / Math.exp(sigma ** 2 / 2)
  return compressible => {
    const size = Math.min(LARGEST, Math.ceil(median * Math.exp(sigma * normal(random))))
    const stock = compressible ? text : binary
    const from = random.below(stock.length - size)
    return stock.subarray(from, from + size)
  }
}

/** A normally distributed number (Box and Muller). */
function normal(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log((random.below(2 ** 30) + 1) / 2 ** 30))
  return radius * Math.cos((2 * Math.PI * random.below(2 ** 30)) / 2 ** 30)
}

function writePackage(home: string, count: number, random: Random, content: Content): void {
  const made = new Set<string>()
  for (let i = 0; i < count; i++) {
    const compressible = !random.chance(4)
    const path = join(home, fileName(random, i, compressible))
    const folder = dirname(path)
    if (!made.has(folder)) mkdirSync(folder, { recursive: true })
    made.add(folder)
    writeFileSync(path, content(compressible), { mode: random.chance(2) ? 0o755 : 0o644 })
  }
}

function fileName(random: Random, index: number, compressible: boolean): string {
  const fixed = ['package.json', 'index.js', 'README.md', 'LICENSE'][index]
  if (fixed !== undefined) return fixed
  const name = `${random.pick(STEMS)}-${random.pick(STEMS)}-${index}${random.pick(compressible ? ENDINGS : BINARIES)}`
  return join(random.pick(FOLDERS), name)
}
