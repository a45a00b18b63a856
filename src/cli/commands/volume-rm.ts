import { ShaleError } from '../../error.ts'
import { command } from '../command.ts'
import { boolean } from '../flag.ts'
import { describeError } from '../print-error.ts'

export default command({
  usage: '[OPTIONS] VOLUME [VOLUME...]',
  about: 'Remove volumes with all that is in them. One that a container has, running or not, is refused.',
  examples: [['volume rm data', 'a volume that nobody needs any more']],
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  flags: { force: boolean('A volume that is not there is no error', { short: 'f' }) },
  async run(context, { args, flags }) {
    const { volumes } = await context.store()
    let failures = 0
    for (const name of args) {
      try {
        await volumes.remove(name)
        context.out.write(`${name}\n`)
      } catch (error) {
        if (flags.force && error instanceof ShaleError && error.code === 'VOLUME_NOT_FOUND') continue
        failures++
        context.err.write(`${describeError(error, context.debug)}\n`)
      }
    }
    return failures === 0 ? 0 : 1
  },
})
