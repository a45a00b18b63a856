import { signalContainer } from '../../container/signal.ts'
import { signalName } from '../../container/signal-name.ts'
import { ShaleError } from '../../error.ts'
import { command } from '../command.ts'
import { eachContainer } from '../each-container.ts'
import { text } from '../flag.ts'

export default command({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  about: 'Send a signal to the first process of containers, SIGKILL unless another one is named.',
  examples: [
    ['kill web', 'ends it at once'],
    ['kill -s HUP web', 'has it read its configuration again, if that is what it does then'],
  ],
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  flags: { signal: text('Signal by name or number (KILL)', { short: 's', placeholder: 'signal' }) },
  run(context, { args, flags }) {
    const signal = signalName(flags.signal ?? 'KILL')
    return eachContainer(context, args, async (store, row) => {
      try {
        await signalContainer(store, row, signal)
      } catch (error) {
        if (!(error instanceof ShaleError) || error.code !== 'CONTAINER_NOT_RUNNING') throw error
        throw new ShaleError(error.code, `cannot kill container: ${row.name}: ${error.message}`)
      }
    })
  },
})
