import { readFileSync } from 'node:fs'

/**
 * What a process of the helper's PID namespace is called in ours; undefined when it has ended. `helper` is the process
 * that the helper's namespaces were made with.
 */
export function hostPid(helper: number, inside: number): number | undefined {
  const found = [helper]
  for (const pid of found) {
    // From our namespace inwards. Source: proc_pid_status(5).
    const names =
      /^NSpid:\t(.*)$/m
        .exec(read(`/proc/${pid}/status`))?.[1]
        ?.split('\t')
        .map(Number) ?? []
    if (names[1] === inside) return pid
    found.push(...childrenOf(pid))
  }
  return undefined
}

function childrenOf(pid: number): readonly number[] {
  return read(`/proc/${pid}/task/${pid}/children`)
    .split(' ')
    .filter(word => word.trim() !== '')
    .map(Number)
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
