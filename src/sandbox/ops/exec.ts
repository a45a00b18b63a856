import { specProcess, specSeccomp } from '../bundle.ts'
import { groupsOf } from '../cgroup/groups-of.ts'
import type { ExecInput } from '../init/input.ts'
import type { Handler } from '../protocol.ts'
import { conduct, pipesOf } from './conduct.ts'
import { startInside } from './init-process.ts'
import { syscallFilter } from './syscall-filter.ts'
import { terminalInside } from './terminal.ts'

/** Runs a further command in a container that runs, confined as its first one is. */
export const exec: Handler<'exec'> = async ({ pid, config }, context) => {
  context.signal.throwIfAborted()
  const terminal = config.terminal && terminalInside(pid, config.terminal)
  const pipes = pipesOf(config)
  try {
    const process = specProcess(config)
    const seccomp = specSeccomp(config, process.capabilities.bounding)
    const input: ExecInput = {
      pid,
      process,
      cgroups: groupsOf(pid),
      filter: await syscallFilter(config, seccomp === undefined ? {} : { seccomp }),
      streams: pipes?.paths,
      nullStdin: (config.stdio ?? 'null') === 'null',
      terminal: terminal?.path,
    }
    return await conduct({ init: startInside(pid), input, terminal, pipes }, context)
  } finally {
    pipes?.handedOver()
    terminal?.hangUp()
    await terminal?.close()
  }
}
