import { readFileSync, statSync } from 'node:fs'

/** Where files come through links that are exchanged, as in Kubernetes, looking is surer than being told. */
const LOOK_EVERY_MS = 2_000

/** Files that are read anew when they change. */
export interface WatchedFiles {
  /** Looks now. */
  check(): void
  stop(): void
}

/**
 * Calls `changed` with the contents of all files whenever one of them is another than before, first at once. What it
 * throws the first time is thrown on; later it goes to `failed`, and what was read before stays in force.
 */
export function watchFiles(
  paths: readonly string[],
  changed: (contents: readonly Buffer[]) => void,
  failed: (error: unknown) => void,
): WatchedFiles {
  const read = () => paths.map(path => readFileSync(path))
  let seen = stampOf(paths)
  changed(read())
  const check = () => {
    const now = stampOf(paths)
    if (now === seen) return
    seen = now
    try {
      changed(read())
    } catch (error) {
      failed(error)
    }
  }
  const timer = setInterval(check, LOOK_EVERY_MS).unref()
  return { check, stop: () => clearInterval(timer) }
}

function stampOf(paths: readonly string[]): string {
  return paths
    .map(path => {
      const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
      return stat === undefined ? 'none' : `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}`
    })
    .join(' ')
}
