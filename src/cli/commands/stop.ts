import { stopContainer } from '../../container/signal.ts'
import { command } from '../command.ts'
import { eachContainer } from '../each-container.ts'
import { stopFlags, stopOptions } from '../stop-flags.ts'

export default command({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  about: 'Ask containers to end, kill those that do not in time, and wait until they have ended.',
  examples: [
    ['stop web', 'with the time that it was given at its start, or 10 seconds'],
    ['stop -t 60 db', 'with a minute to write everything down'],
  ],
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  flags: stopFlags,
  run(context, { args, flags }) {
    const options = stopOptions(flags)
    return eachContainer(context, args, (store, row) => stopContainer(store, row, options))
  },
})
