import { writeFileSync } from 'node:fs'
import { ShaleError } from '../../error.ts'

/** Those of the namespaces that this process is in. Throws `SYSCTL` with what the kernel does not take. */
export function setSysctls(settings: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(settings)) {
    try {
      writeFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, value, { flag: 'r+' })
    } catch (cause) {
      throw new ShaleError('SYSCTL', `cannot set sysctl ${name} to ${value}: ${(cause as Error).message}`, { cause })
    }
  }
}

/** Source: proc_pid_oom_score_adj(5). */
export function setOomScore(score: number): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', String(score))
  } catch (cause) {
    throw new ShaleError('OOM_SCORE_ADJ', `cannot set the OOM score to ${score}: ${(cause as Error).message}`, {
      hint: 'lowering it needs CAP_SYS_RESOURCE: root may, an ordinary user may only raise it',
      cause,
    })
  }
}
