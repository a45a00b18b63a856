import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isErrno, ShaleError } from '../../src/error.ts'

/** The folder that keeps what is slow to make: `SHALE_TEST_CACHE`, else `shale-test` in the user's cache folder. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env.SHALE_TEST_CACHE) return env.SHALE_TEST_CACHE
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'shale-test')
}

/** A short name for what a thing is made from: equal parts, equal key. */
export function keyOf(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(`${part.length}:`).update(part)
  return hash.digest('hex').slice(0, 12)
}

/**
 * Returns `<cache folder>/<name>`, made by `make` if it is not there. `make` gets a path beside it that does not exist
 * yet; what it leaves there is renamed into place, so a killed run leaves no half-made result. Processes that want
 * the same name at once wait for the first.
 */
export async function cached(name: string, make: (path: string) => Promise<void>): Promise<string> {
  const path = join(cacheFolder(), name)
  if (await exists(path)) return path
  await mkdir(dirname(path), { recursive: true })
  const unlock = await lock(`${path}.lock`)
  try {
    if (await exists(path)) return path
    const partial = `${path}.partial`
    await rm(partial, { recursive: true, force: true })
    await make(partial)
    await rename(partial, path)
    return path
  } finally {
    await unlock()
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false
    throw error
  }
}

const LOCK_POLL_MS = 100
const LOCK_LIMIT_MS = 15 * 60_000

async function lock(path: string): Promise<() => Promise<void>> {
  const deadline = Date.now() + LOCK_LIMIT_MS
  for (;;) {
    try {
      await mkdir(path)
      await writeFile(join(path, 'pid'), String(process.pid))
      return () => rm(path, { recursive: true, force: true })
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error
    }
    if (await isAbandoned(path)) await breakLock(path)
    else if (Date.now() > deadline) {
      throw new ShaleError('CACHE_LOCKED', `${path} is still held after ${LOCK_LIMIT_MS / 60_000} minutes`, {
        hint: 'remove that folder if no other run is going on',
      })
    } else await delay(LOCK_POLL_MS)
  }
}

/** A lock whose process is gone, or which has had no process id for ten seconds. */
async function isAbandoned(path: string): Promise<boolean> {
  try {
    const pid = Number(await readFile(join(path, 'pid'), 'utf8'))
    if (pid > 0) return !isAlive(pid)
    return Date.now() - (await stat(path)).mtimeMs > 10_000
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
    const age = await stat(path).then(
      found => Date.now() - found.mtimeMs,
      () => 0,
    )
    return age > 10_000
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return !isErrno(error, 'ESRCH')
  }
}

/** Renaming first lets exactly one of several waiting processes take the lock away. */
async function breakLock(path: string): Promise<void> {
  const aside = `${path}.${process.pid}.broken`
  try {
    await rename(path, aside)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return
    throw error
  }
  await rm(aside, { recursive: true, force: true })
}
