import { findContainer } from '../../container/find.ts'
import { containerFolder } from '../../container/folder.ts'
import { followLog, type LogLine, readLog } from '../../container/log-reader.ts'
import { isActive, settleAll } from '../../container/settle.ts'
import { ShaleError } from '../../error.ts'
import { parseMoment } from '../../store/moment.ts'
import { command } from '../command.ts'
import { boolean, text } from '../flag.ts'

export default command({
  usage: '[OPTIONS] CONTAINER',
  about:
    'Print what a container wrote: its standard output there, its standard error here. What went straight to whoever\n' +
    'started it (run -i without -t) was not kept.',
  examples: [
    ['logs -f --tail 20 web', 'the last lines, and then what comes'],
    ['logs -t --since 10m web', 'of the last ten minutes, with times'],
  ],
  args: { min: 1, max: 1 },
  flags: {
    details: boolean('', { hidden: true }),
    follow: boolean('Go on until the container has ended', { short: 'f' }),
    since: text('Only from this time on: 2024-05-01T12:00:00Z, or 42m for 42 minutes ago', { placeholder: 'time' }),
    tail: text('Only this many lines from the end, or all', { short: 'n', placeholder: 'number' }),
    timestamps: boolean('Say when each line was written', { short: 't' }),
    until: text('Only up to this time', { placeholder: 'time' }),
  },
  async run(context, { args: [name = ''], flags }) {
    const store = await context.store()
    const row = findContainer(store, name)
    const now = Date.now()
    const selection = {
      since: moment('since', flags.since, now),
      until: moment('until', flags.until, now),
      tail: lines(flags.tail),
    }
    const { log } = containerFolder(store, row.id)
    const show = ({ time, stream, log: line }: LogLine) => {
      const out = stream === 'stderr' ? context.err : context.out
      out.write(flags.timestamps ? `${time} ${line}` : line)
    }
    const isRunning = () => settleAll(store).some(other => other.id === row.id && isActive(other))
    if (!flags.follow) for (const line of readLog(log, selection)) show(line)
    else for await (const line of followLog(log, selection, isRunning)) show(line)
    return 0
  },
})

function moment(flag: string, word: string | undefined, now: number): number | undefined {
  const time = word === undefined ? undefined : parseMoment(word, now)
  if (word === undefined || time !== undefined) return time
  throw new ShaleError('INVALID_TIME', `invalid value for "${flag}": ${JSON.stringify(word)} is no time`, {
    hint: 'write a duration before now, as 10m, or a time, as 2024-05-01T12:00:00Z',
  })
}

function lines(word: string | undefined): number | undefined {
  // docker takes whatever is no number for all of them.
  return word !== undefined && /^\d+$/.test(word) ? Number(word) : undefined
}
