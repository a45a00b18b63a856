import { findContainer } from '../../container/find.ts'
import { removeContainer } from '../../container/remove.ts'
import { ShaleError } from '../../error.ts'
import { command } from '../command.ts'
import { boolean } from '../flag.ts'
import { describeError } from '../print-error.ts'

export default command({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  about: 'Remove containers with everything that they wrote outside of volumes.',
  examples: [
    ['rm web', 'one that has ended'],
    ['rm -fv web', 'whether it runs or not, with the volumes that nobody gave a name'],
  ],
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  flags: {
    force: boolean('Kill one that runs; one that is not there is no failure', { short: 'f' }),
    volumes: boolean('Remove its anonymous volumes too', { short: 'v' }),
  },
  async run(context, { args, flags }) {
    const store = await context.store()
    let failures = 0
    for (const name of args) {
      try {
        await removeContainer(store, findContainer(store, name), flags)
        context.out.write(`${name}\n`)
      } catch (error) {
        const isMissing = error instanceof ShaleError && error.code === 'CONTAINER_NOT_FOUND'
        if (!(flags.force && isMissing)) failures++
        context.err.write(`${describeError(error, context.debug)}\n`)
      }
    }
    return failures === 0 ? 0 : 1
  },
})
