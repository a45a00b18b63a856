import { isActive, settleAll } from '../../container/settle.ts'
import { ShaleError } from '../../error.ts'
import { collect } from '../../store/collect.ts'
import { removeImage } from '../../store/remove-image.ts'
import { command } from '../command.ts'
import { boolean } from '../flag.ts'
import { describeError } from '../print-error.ts'

export default command({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  about:
    'Remove names of images; an image goes with its last name. One that a container is made from stays, unless forced\n' +
    'where that container does not run.',
  examples: [
    ['rmi myapp:1.0', 'the name, and with the last name the image'],
    ['rmi -f 0123456789ab', 'the image with all its names'],
  ],
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  flags: {
    force: boolean('Remove an image with all its names; one that is not there is no failure', { short: 'f' }),
    noPrune: boolean('Leave content that nothing needs any more to the next prune'),
  },
  async run(context, { args, flags }) {
    const store = await context.store()
    const users = settleAll(store).map(row => ({ container: row.id, image: row.image, running: isActive(row) }))
    let failures = 0
    let deleted = 0
    for (const name of args) {
      try {
        for (const removal of removeImage(store, name, { force: flags.force, users })) {
          if ('deleted' in removal) deleted++
          context.out.write('untagged' in removal ? `Untagged: ${removal.untagged}\n` : `Deleted: ${removal.deleted}\n`)
        }
      } catch (error) {
        if (!(flags.force && isMissing(error))) failures++
        context.err.write(`${describeError(error, context.debug)}\n`)
      }
    }
    if (deleted > 0 && !flags.noPrune) await collect(store)
    return failures === 0 ? 0 : 1
  },
})

/** With `--force` docker names an image that is not there, and ends with 0 all the same: scripts rely on it. */
function isMissing(error: unknown): boolean {
  return error instanceof ShaleError && error.code === 'IMAGE_NOT_FOUND'
}
