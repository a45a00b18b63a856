import { familiarReference, parseReference } from '../../oci/reference.ts'
import { rollBack } from '../../release/rollback.ts'
import { command } from '../command.ts'
import { boolean, text } from '../flag.ts'
import { isoLocalTime } from '../format/time.ts'

export default command({
  usage: '[OPTIONS] NAME[:TAG]',
  about:
    'Point a tag at the image that it pointed at before. Each further rollback goes one further back; --to goes to any ' +
    'image that the tag has pointed at, forward as well. It is refused when the image was pruned.',
  examples: [
    ['rollback app:prod', 'to the image before'],
    ['rollback --to 4f1c0a9be2d7 app:prod', 'to this one of `shale tags log app:prod`'],
    ['tags rollback --to 2026-01-30T12:00:00Z app:prod', 'to what it was at that time'],
  ],
  args: { min: 1, max: 1 },
  flags: {
    quiet: boolean('Print only the digest', { short: 'q' }),
    to: text('An image of its history by digest, or a time: 2h, 2026-01-30T12:00:00Z', {
      placeholder: 'digest|time',
    }),
  },
  async run(context, { args, flags }) {
    const store = await context.store()
    const { name, from, to, since } = await rollBack(store, args[0] as string, flags.to)
    if (flags.quiet) context.out.write(`${to}\n`)
    else {
      const shown = familiarReference(parseReference(name))
      const done = from === to ? 'is already there' : 'rolled back'
      context.out.write(`${shown} ${done}\nfrom: ${from ?? 'none'}\nto:   ${to} (since ${isoLocalTime(since)})\n`)
    }
    return 0
  },
})
