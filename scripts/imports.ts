import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

/** One module's import of another by a relative path; both paths relative to the project's folder, with `/`. */
export interface Import {
  readonly from: string
  readonly to: string
}

/** Paths of the TypeScript files below `folders` of the project at `root`, sorted. */
export function typescriptFiles(root: string, folders: readonly string[]): readonly string[] {
  return folders
    .flatMap(folder =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map(name => join(folder, name)),
    )
    .filter(path => path.endsWith('.ts'))
    .toSorted()
}

/** What one file imports by relative path. Type imports count: they tie rooms together just as well. */
export function importsOf(root: string, path: string): readonly Import[] {
  return specifiers(root, path)
    .filter(name => name.startsWith('.'))
    .map(name => ({ from: path, to: normalize(join(dirname(path), name)) }))
}

/** The packages and parts of Node that one file imports. */
export function packagesOf(root: string, path: string): readonly string[] {
  return specifiers(root, path).filter(name => !name.startsWith('.'))
}

/** `import … from 'x'` and `export … from 'x'` up to the end of their line, `import 'x'`, and `import('x')` anywhere. */
const SPECIFIER = /(?:^(?:import|export|\}).*?\bfrom |^import |\bimport\()'([^']+)'/gm

function specifiers(root: string, path: string): readonly string[] {
  return [...readFileSync(join(root, path), 'utf8').matchAll(SPECIFIER)].map(([, name = '']) => name)
}
