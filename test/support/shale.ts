import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Outcome, run } from '../../scripts/bases/process.ts'

const BIN = fileURLToPath(new URL('../../bin/shale', import.meta.url))

export interface ShaleOptions {
  readonly cwd?: string | undefined
  /** Added to the environment that every call gets. */
  readonly env?: NodeJS.ProcessEnv | undefined
  readonly input?: string | Uint8Array | undefined
  readonly timeoutMs?: number | undefined
}

export interface Shale {
  (args: readonly string[], options?: ShaleOptions): Promise<Outcome>
  /** The store of these calls. */
  readonly root: string
}

/** `bin/shale` as a user would call it, on an empty store of its own that is removed after the test. */
export async function shale(t: TestContext, defaults: ShaleOptions = {}): Promise<Shale> {
  const root = await tmp(t, 'root')
  const call = (args: readonly string[], options: ShaleOptions = {}) =>
    run(process.execPath, [BIN, ...args], {
      ...defaults,
      ...options,
      env: { ...plainEnv(), SHALE_ROOT: root, ...defaults.env, ...options.env },
    })
  return Object.assign(call, { root })
}

/** The caller's environment without what would change what the command line does. */
function plainEnv(): NodeJS.ProcessEnv {
  const ours =
    /^(SHALE_(?!TEST_)|DOCKER_|BUILDKIT_|BUILDX_|SOURCE_DATE_EPOCH$|NO_COLOR$|FORCE_COLOR$|NODE_TEST_CONTEXT$|NODE_OPTIONS$)/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)))
}

/** An empty folder that is removed after the test. */
export async function tmp(t: TestContext, label = 'test'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `shale-${label}-`))
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
  return folder
}
