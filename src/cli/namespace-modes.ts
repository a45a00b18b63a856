import type { Isolation } from '../sandbox/isolation.ts'
import { invalidOption } from './isolation-values.ts'

interface Modes {
  readonly ipc?: string | undefined
  readonly pid?: string | undefined
  readonly userns?: string | undefined
  readonly cgroupns?: string | undefined
}

/** Namespaces that are the host's by request. Throws for those that a container of ours always has. */
export function namespaceModes({ ipc, pid, userns, cgroupns }: Modes): Pick<Isolation, 'ipc' | 'cgroupns'> {
  if (pid !== undefined && pid !== '' && pid !== 'private') {
    throw invalidOption(
      `--pid ${pid} is not supported`,
      'the processes of a container always have a PID namespace of their own',
    )
  }
  checkUserns(userns ?? '', process.geteuid?.() !== 0)
  return {
    // Of a container that is shareable others may take the IPC; of ours nobody does.
    ...(ipc !== undefined && { ipc: ipc === 'shareable' ? 'private' : (ipc as 'private' | 'none' | 'host') }),
    ...(cgroupns !== undefined && { cgroupns: cgroupns as 'private' | 'host' }),
  }
}

/** Containers of an ordinary user are in a user namespace, those of root in the host's. */
function checkUserns(mode: string, rootless: boolean): void {
  if (mode === '' || mode === (rootless ? 'auto' : 'host')) return
  if (mode !== 'auto' && mode !== 'host')
    throw invalidOption(`--userns: invalid USER mode: ${mode}`, 'modes are auto and host')
  throw rootless
    ? invalidOption(
        '--userns host is not possible as an ordinary user',
        'only root’s containers can do without a user namespace',
      )
    : invalidOption(
        '--userns auto is not supported as root',
        'as an ordinary user every container has a user namespace',
      )
}
