import { formatReference, parseReference } from '../../oci/reference.ts'
import { pushImage } from '../../registry/client/push.ts'
import { command } from '../command.ts'
import { boolean } from '../flag.ts'
import { chosenPlatform, platformFlag } from '../platform-flag.ts'
import { showTransfer } from '../progress/transfer.ts'

export default command({
  usage: '[OPTIONS] NAME[:TAG]',
  about: 'Upload an image to the registry of its name. The digest there is the one here.',
  examples: [
    ['push registry.example.com/team/app:1.0', 'upload it'],
    ['push -q registry.example.com/team/app:1.0', 'and print only the name'],
  ],
  args: { min: 1, max: 1 },
  flags: {
    platform: platformFlag,
    quiet: boolean('Print only the name', { short: 'q' }),
  },
  async run(context, { args, flags }) {
    const reference = parseReference(args[0] as string)
    const { out, err } = context
    const store = await context.store()
    const progress = flags.quiet ? undefined : showTransfer('push', out, err)
    if (!flags.quiet) out.write(`The push refers to repository [${reference.registry}/${reference.repository}]\n`)
    try {
      const platform = flags.platform === undefined ? undefined : chosenPlatform(flags.platform, context)
      const pushed = await pushImage(store, reference, { platform, onEvent: progress?.onEvent, signal: context.signal })
      progress?.end()
      const tag = reference.tag ?? reference.digest
      out.write(
        flags.quiet ? `${formatReference(reference)}\n` : `${tag}: digest: ${pushed.digest} size: ${pushed.size}\n`,
      )
      return 0
    } catch (error) {
      progress?.end()
      throw error
    }
  },
})
