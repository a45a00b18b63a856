import { execFile } from 'node:child_process'
import { accessSync, constants, readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { cpus, release, totalmem } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { CacheState } from './cases.ts'

const execute = promisify(execFile)
const DROP = '/proc/sys/vm/drop_caches'
const QUIET_KB = 4_096
const QUIET_LIMIT_MS = 10_000

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGB: number
  readonly kernel: string
  readonly node: string
}

export function thisMachine(): Machine {
  const all = cpus()
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memoryGB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
  }
}

/** Why the page cache cannot be emptied here, or undefined when it can. */
export function whyNoCold(): string | undefined {
  try {
    accessSync(DROP, constants.W_OK)
    return undefined
  } catch {
    return `${DROP} may not be written by this user`
  }
}

/** Everything written is on the disk and the disk is quiet; the page cache is empty, or holds all of `context`. */
export async function ready(context: string, cache: CacheState): Promise<void> {
  await execute('sync')
  await quiet()
  if (cache === 'cold') await writeFile(DROP, '3')
  else await execute('sh', ['-c', 'find "$1" -type f -print0 | xargs -0 -r cat >/dev/null', 'sh', context])
}

/** Waits until nothing is left to be written back, ten seconds at most: others may be writing. */
async function quiet(): Promise<void> {
  const deadline = Date.now() + QUIET_LIMIT_MS
  while ((await unwrittenKb()) > QUIET_KB && Date.now() < deadline) await delay(50)
}

async function unwrittenKb(): Promise<number> {
  const text = await readFile('/proc/meminfo', 'utf8')
  const kb = (name: string) => Number(new RegExp(`^${name}: +(\\d+)`, 'm').exec(text)?.[1] ?? 0)
  return kb('Dirty') + kb('Writeback')
}

/** What else ran meanwhile: the load average of the last minute. */
export function loadAverage(): number {
  return Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0])
}
