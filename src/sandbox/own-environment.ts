import { getCompileCacheDir } from 'node:module'
import { dirname, extname } from 'node:path'
import { fileURLToPath } from 'node:url'

const HERE = fileURLToPath(import.meta.url)

/** For the programs of ours that we start. Settings for our own Node (a debugger, a test runner's channel) are not theirs. */
export function ownEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('NODE_'))
  const cache = compileCache()
  return {
    ...Object.fromEntries(kept),
    ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }),
  }
}

/**
 * Compiled code for the helper and each container's first process; TypeScript as written takes 60 ms longer to start
 * without. Never a shared folder such as /tmp: what lies there runs as root.
 */
function compileCache(): string | undefined {
  const ours = getCompileCacheDir()
  if (ours !== undefined) return dirname(ours)
  return extname(HERE) === '.ts' ? fileURLToPath(new URL('../../node_modules/.cache/node', import.meta.url)) : undefined
}
