import { findContainer } from '../../container/find.ts'
import { exitOf } from '../../container/wait.ts'
import { command } from '../command.ts'
import { describeError } from '../print-error.ts'

export default command({
  usage: 'CONTAINER [CONTAINER...]',
  about: 'Wait until containers have ended, and print their exit codes.',
  examples: [['wait job', 'and then go on']],
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  flags: {},
  async run(context, { args }) {
    const store = await context.store()
    const ends = args.map(async name => exitOf(store, findContainer(store, name)))
    let failures = 0
    for (const end of await Promise.allSettled(ends)) {
      if (end.status === 'fulfilled') context.out.write(`${end.value}\n`)
      else {
        failures++
        context.err.write(`${describeError(end.reason, context.debug)}\n`)
      }
    }
    return failures === 0 ? 0 : 1
  },
})
