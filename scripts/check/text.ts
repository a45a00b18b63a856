import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { isErrno } from '../../src/error.ts'
import { typescriptFiles } from '../imports.ts'

const execute = promisify(execFile)

/** Longer files do more than one thing. */
const LINES = 400

/** Source files that are too long. */
export async function longFiles(root: string): Promise<readonly string[]> {
  const files = typescriptFiles(root, ['src'])
  const lines = await Promise.all(
    files.map(async path => (await readFile(join(root, path), 'utf8')).split('\n').length),
  )
  return files.flatMap((path, i) =>
    (lines[i] ?? 0) > LINES ? [`${path} has ${lines[i]} lines, more than ${LINES}`] : [],
  )
}

/** Files that name a folder of the machine they were written on: the checkout, what lies beside it, the user's home. */
export async function machinePaths(root: string): Promise<readonly string[]> {
  const forbidden = [root, ...neighbours(root), ...(homedir().split('/').length > 2 ? [homedir()] : [])]
  const found = await Promise.all((await trackedFiles(root)).map(path => namedIn(root, path, forbidden)))
  return found.flat()
}

function neighbours(root: string): readonly string[] {
  const parent = dirname(root)
  return parent === '/' ? [] : readdirSync(parent).map(name => join(parent, name))
}

/** Of the files of git, those not committed yet included. */
async function trackedFiles(root: string): Promise<readonly string[]> {
  const options = { cwd: root, maxBuffer: 1 << 26 }
  const { stdout } = await execute('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], options)
  return [...new Set(stdout.split('\0'))].filter(path => path !== '')
}

async function namedIn(root: string, path: string, forbidden: readonly string[]): Promise<readonly string[]> {
  const text = await readFile(join(root, path), 'utf8').catch(error => {
    // Deleted but still in git's index, or a link to a folder.
    if (isErrno(error, 'ENOENT', 'EISDIR')) return ''
    throw error
  })
  return text.split('\n').flatMap((line, index) => {
    const name = forbidden.find(one => namesPath(line, one))
    return name === undefined ? [] : [`${path}:${index + 1} names ${name}`]
  })
}

/** `/a/b` is named by `/a/b` and `/a/b/c`, not by `/a/bc` or `/x/a/b`. */
function namesPath(line: string, path: string): boolean {
  for (let at = line.indexOf(path); at >= 0; at = line.indexOf(path, at + 1)) {
    if (!/[\w.-]/.test(line[at - 1] ?? ' ') && !/[\w-]/.test(line[at + path.length] ?? ' ')) return true
  }
  return false
}
