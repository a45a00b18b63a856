import { stopContainer } from '../../container/signal.ts'
import { startContainer } from '../../container/start.ts'
import { command } from '../command.ts'
import { eachContainer } from '../each-container.ts'
import { stopFlags, stopOptions } from '../stop-flags.ts'

export default command({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  about: 'Stop containers and start them again.',
  examples: [['restart -t 5 web', 'with five seconds to end']],
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  flags: stopFlags,
  run(context, { args, flags }) {
    const options = stopOptions(flags)
    return eachContainer(context, args, async (store, row) => {
      await stopContainer(store, row, options)
      await startContainer(store, row)
    })
  },
})
