import { spawn } from 'node:child_process'
import { getCompileCacheDir } from 'node:module'
import { dirname, extname } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { ShaleError } from '../error.ts'
import type { ContainerRow } from '../store/containers.ts'
import type { LocalStore } from '../store/open.ts'
import { type StartReport, WAIT_FOR_ATTACH } from './start-report.ts'

const HERE = fileURLToPath(import.meta.url)
const MAIN = fileURLToPath(
  new URL(extname(HERE) === '.ts' ? './supervisor-main.ts' : './supervisor-main.cjs', import.meta.url),
)

/** It waits most of its life, and memory counts more than speed then. */
const FRUGAL = ['--max-semi-space-size=1', '--v8-pool-size=0', '--single-threaded-gc']

/**
 * Starts a container with a supervisor of its own, which stays when we end, and returns when its command runs. Throws
 * `COMMAND_NOT_STARTED` with docker's exit code, `CONTAINER_RUNNING`, and what keeps a sandbox from being made.
 */
export async function startContainer(
  store: LocalStore,
  { id }: Pick<ContainerRow, 'id'>,
  options: StartOptions = {},
): Promise<void> {
  const { attach, onWarning } = options
  const waits = attach === undefined ? [] : [WAIT_FOR_ATTACH]
  const child = spawn(process.execPath, [...FRUGAL, MAIN, store.root, id, ...waits], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    detached: true,
    // The folder that we are in must not be kept from being unmounted.
    cwd: store.root,
    env: environment(),
  })
  const failed = new Promise<never>((_, reject) => child.once('error', reject))
  const report = await Promise.race([lastReport(child.stdio[3] as Readable, attach), failed])
  child.unref()
  if (report?.kind === 'started') {
    for (const warning of report.warnings) onWarning?.(warning)
    return
  }
  const { code, message, hint, exitCode } = report ?? ENDED
  throw new ShaleError(code, message, { hint, exitCode })
}

export interface StartOptions {
  /** Attaches to the command, which waits for it. */
  readonly attach?: (() => Promise<void>) | undefined
  /** What is not as it was asked for, a sentence for a person. */
  readonly onWarning?: ((message: string) => void) | undefined
}

const ENDED = {
  code: 'SUPERVISOR_ENDED',
  message: 'the process that was to look after the container has ended',
  hint: 'it may have been killed for lack of memory: look into the kernel log (dmesg)',
  exitCode: 125,
} as const

/** Settings for our own Node (a debugger, a test runner's channel) are not the supervisor's. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('NODE_'))
  const cache = compileCache()
  return { ...Object.fromEntries(kept), ...(cache !== undefined && { NODE_COMPILE_CACHE: cache }) }
}

/** Never a shared folder such as /tmp: what lies there may run as root. */
function compileCache(): string | undefined {
  const ours = getCompileCacheDir()
  if (ours !== undefined) return dirname(ours)
  return extname(HERE) === '.ts' ? fileURLToPath(new URL('../../node_modules/.cache/node', import.meta.url)) : undefined
}

/** How the start went; undefined when the supervisor has ended without a word. */
async function lastReport(stream: Readable, attach: StartOptions['attach']) {
  for await (const line of createInterface({ input: stream })) {
    const report = JSON.parse(line) as StartReport
    if (report.kind !== 'listening') return report
    await attach?.()
  }
  return undefined
}
