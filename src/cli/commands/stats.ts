import { totalmem } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { findContainer } from '../../container/find.ts'
import { optionsOf } from '../../container/options.ts'
import { isActive, settleAll } from '../../container/settle.ts'
import { NO_USAGE, type Usage, usageOf } from '../../container/usage.ts'
import type { ContainerRow } from '../../store/containers.ts'
import type { LocalStore } from '../../store/open.ts'
import { type Context, command } from '../command.ts'
import { boolean, text } from '../flag.ts'
import { formatRows, type Listing } from '../format/format.ts'
import { binarySize, humanSize } from '../format/size.ts'

const LISTING: Listing = {
  type: '*container.statsContext',
  headings: {
    BlockIO: 'BLOCK I/O',
    CPUPerc: 'CPU %',
    Container: 'CONTAINER',
    ID: 'CONTAINER ID',
    MemPerc: 'MEM %',
    MemUsage: 'MEM USAGE / LIMIT',
    Name: 'NAME',
    NetIO: 'NET I/O',
    PIDs: 'PIDS',
  },
}

const USUAL = 'table {{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}'
const INTERVAL_MS = 1000
const CLEAR = '\x1b[2J\x1b[H'

export default command({
  usage: '[OPTIONS] [CONTAINER...]',
  about: 'Show what containers take of the machine, every second until interrupted: all that run, or those named.',
  examples: [
    ['stats', 'all that run'],
    ['stats --no-stream web', 'once'],
    ["stats --no-stream --format '{{.Name}} {{.MemUsage}}'", 'through a Go template'],
  ],
  args: { min: 0, max: Number.POSITIVE_INFINITY },
  flags: {
    all: boolean('Also those that do not run', { short: 'a' }),
    format: text("Go template, 'table TEMPLATE', or json"),
    noStream: boolean('Once, not every second'),
    noTrunc: boolean('Show IDs whole'),
  },
  async run(context, { args, flags }) {
    const store = await context.store()
    const format = flags.format === undefined || flags.format === 'table' ? USUAL : flags.format
    let before = samples(chosen(store, args, flags.all))
    while (await waited(context)) {
      const now = samples(chosen(store, args, flags.all))
      const rows = now.map(sample => shown(sample, before, flags.noTrunc))
      const clear = !flags.noStream && context.out.isTerminal ? CLEAR : ''
      context.out.write(`${clear}${formatRows(format, LISTING, rows)}`)
      if (flags.noStream) break
      before = now
    }
    return 0
  },
})

interface Sample {
  readonly row: ContainerRow
  /** As it was named. */
  readonly name: string
  /** Seconds of a clock that only goes forward. */
  readonly at: number
  readonly usage: Usage
}

function chosen(
  store: LocalStore,
  names: readonly string[],
  all: boolean,
): readonly (readonly [string, ContainerRow])[] {
  if (names.length > 0) return names.map(name => [name, findContainer(store, name)] as const)
  return settleAll(store)
    .filter(row => all || isActive(row))
    .map(row => [row.id.slice(0, 12), row] as const)
}

function samples(rows: readonly (readonly [string, ContainerRow])[]): readonly Sample[] {
  return rows.map(([name, row]) => ({
    row,
    name,
    at: performance.now() / 1000,
    usage: row.pid === undefined ? NO_USAGE : usageOf(row.pid),
  }))
}

/** False when it was interrupted. */
async function waited({ signal }: Context): Promise<boolean> {
  await pause(INTERVAL_MS, undefined, { signal }).catch(() => {})
  return !signal.aborted
}

function shown({ row, name, at, usage }: Sample, earlier: readonly Sample[], whole: boolean) {
  // A container that was started again meanwhile has other processes.
  const before = earlier.find(each => each.row.id === row.id && each.row.pid === row.pid)
  const seconds = before === undefined ? 0 : Math.max(0, usage.cpuSeconds - before.usage.cpuSeconds)
  const limit =
    row.pid === undefined ? 0 : Math.min(optionsOf(row).isolation?.resources?.memory ?? totalmem(), totalmem())
  return {
    BlockIO: `${humanSize(usage.read)} / ${humanSize(usage.written)}`,
    CPUPerc: percent(before === undefined ? 0 : seconds / (at - before.at)),
    Container: name,
    ID: whole ? row.id : row.id.slice(0, 12),
    MemPerc: percent(limit === 0 ? 0 : usage.memory / limit),
    MemUsage: `${binarySize(usage.memory)} / ${binarySize(limit)}`,
    Name: row.name,
    NetIO: `${humanSize(usage.received)} / ${humanSize(usage.sent)}`,
    PIDs: String(usage.tasks),
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)}%`
}
