// node scripts/bases/make.ts [NAME…]: makes the demo's stand-in bases and prints where they are.
import { stat } from 'node:fs/promises'
import { ShaleError } from '../../src/error.ts'
import { base } from './bases.ts'
import { debianRoot } from './debian.ts'
import { BASE_NAMES, type BaseName } from './recipes.ts'

function isBaseName(name: string): name is BaseName {
  return (BASE_NAMES as readonly string[]).includes(name)
}

function wanted(args: readonly string[]): readonly BaseName[] {
  if (args.length === 0) return BASE_NAMES
  return args.map(name => {
    if (isBaseName(name)) return name
    throw new ShaleError('UNKNOWN_BASE', `there is no base named ${name}`, { hint: `known: ${BASE_NAMES.join(', ')}` })
  })
}

async function timed(label: string, make: () => Promise<string>): Promise<void> {
  const start = performance.now()
  const path = await make()
  const found = await stat(path)
  const seconds = ((performance.now() - start) / 1000).toFixed(1).padStart(6)
  const size = found.isFile() ? `${(found.size / 1e6).toFixed(0)} MB` : 'folder'
  console.log(`${label.padEnd(14)} ${seconds} s  ${size.padStart(7)}  ${path}`)
}

try {
  const names = wanted(process.argv.slice(2))
  await timed('(debian root)', debianRoot)
  for (const name of names) await timed(name, () => base(name))
} catch (error) {
  if (!(error instanceof ShaleError)) throw error
  console.error(`${error.message}${error.hint === undefined ? '' : ` (${error.hint})`}`)
  process.exitCode = 1
}
