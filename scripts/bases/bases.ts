import { chmod, copyFile, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isErrno, ShaleError } from '../../src/error.ts'
import { cached, keyOf } from './cache.ts'
import { assertCanMakeRoots, debianRoot, empty, extendRoot } from './debian.ts'
import { enter } from './enter.ts'
import { mustRun } from './process.ts'
import { type BaseName, RECIPES, type Recipe } from './recipes.ts'

const FILES = fileURLToPath(new URL('files/', import.meta.url))

/**
 * The root file system of a stand-in base as a tar file in the cache; made from Debian's packages if it is not there
 * or its recipe has changed. Returns the path.
 */
export async function base(name: BaseName): Promise<string> {
  const recipe: Recipe = RECIPES[name]
  return cached(`bases/${await recipeKey(recipe)}/${name}.tar`, async path => {
    assertCanMakeRoots()
    const root = `${path}.root`
    await rm(root, { recursive: true, force: true })
    try {
      await extendRoot(await debianRoot(), root, recipe.packages)
      for (const file of recipe.files ?? []) await install(root, file)
      if (recipe.localAuthorities) await addLocalAuthorities(root)
      await forgetMachine(root)
      await pack(root, path)
    } finally {
      await rm(root, { recursive: true, force: true })
    }
  })
}

async function recipeKey(recipe: Recipe): Promise<string> {
  const files = (recipe.files ?? []).map(file => join(FILES, file.from))
  const authorities = recipe.localAuthorities ? await localAuthorities() : []
  const contents = await Promise.all([...files, ...authorities].map(file => readFile(file)))
  return keyOf(JSON.stringify(recipe), ...contents)
}

const AUTHORITIES = 'usr/local/share/ca-certificates'

async function localAuthorities(): Promise<readonly string[]> {
  const names = await readdir(`/${AUTHORITIES}`).catch(() => [])
  return names.filter(name => name.endsWith('.crt')).map(name => `/${AUTHORITIES}/${name}`)
}

async function addLocalAuthorities(root: string): Promise<void> {
  for (const file of await localAuthorities()) await copyFile(file, join(root, file))
  const outcome = await enter(root, ['update-ca-certificates'])
  if (outcome.code !== 0) throw new ShaleError('NO_AUTHORITIES', `update-ca-certificates failed: ${outcome.stderr}`)
}

async function install(root: string, file: NonNullable<Recipe['files']>[number]): Promise<void> {
  const target = join(root, file.to)
  await mkdir(dirname(target), { recursive: true })
  await copyFile(join(FILES, file.from), target)
  await chmod(target, file.mode)
}

/** Takes away what belongs to the machine that made the root: names, logs, package lists and caches. */
async function forgetMachine(root: string): Promise<void> {
  for (const folder of [
    'tmp',
    'run',
    'var/tmp',
    'var/log',
    'var/lib/apt/lists',
    'var/cache/apt',
    'var/cache/ldconfig',
  ]) {
    await empty(join(root, folder))
  }
  await mkdir(join(root, 'var/log/nginx'), { recursive: true })
  for (const name of ['etc/resolv.conf', 'etc/machine-id']) await makeEmpty(join(root, name))
  await writeFile(join(root, 'etc/hostname'), 'localhost\n')
}

async function makeEmpty(file: string): Promise<void> {
  try {
    await truncate(file)
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
  }
}

/** Devices are left out: a container gets its own /dev. */
async function pack(root: string, tar: string): Promise<void> {
  const without = ['dev/*', 'proc/*', 'sys/*'].map(glob => `--exclude=./${glob}`)
  const form = ['--format=posix', '--sort=name', '--numeric-owner', '--xattrs', '--xattrs-include=*']
  await mustRun('tar', ['-C', root, ...form, ...without, '-cf', tar, '.'])
}
