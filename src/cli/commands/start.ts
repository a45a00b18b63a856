import { isActive } from '../../container/settle.ts'
import { startContainer } from '../../container/start.ts'
import { command } from '../command.ts'
import { eachContainer } from '../each-container.ts'

export default command({
  usage: 'CONTAINER [CONTAINER...]',
  about: 'Start containers that were made before and do not run. One that runs is left as it is.',
  examples: [['start db web', 'two of them']],
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  flags: {},
  run: (context, { args }) =>
    eachContainer(context, args, async (store, row) => {
      if (!isActive(row)) await startContainer(store, row)
    }),
})
