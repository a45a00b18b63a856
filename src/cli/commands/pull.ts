import { familiarReference, formatReference, parseReference } from '../../oci/reference.ts'
import { pullImage } from '../../registry/client/pull.ts'
import { command } from '../command.ts'
import { boolean } from '../flag.ts'
import { chosenPlatform, platformFlag } from '../platform-flag.ts'
import { showTransfer } from '../progress/transfer.ts'

export default command({
  usage: '[OPTIONS] NAME[:TAG|@DIGEST]',
  about: 'Download an image from a registry.',
  examples: [
    ['pull debian:trixie', 'from Docker Hub'],
    ['pull registry.example.com/team/app@sha256:…', 'exactly this one, verified'],
  ],
  args: { min: 1, max: 1 },
  flags: {
    platform: platformFlag,
    quiet: boolean('Print only the name', { short: 'q' }),
  },
  async run(context, { args, flags }) {
    const [name = ''] = args
    const reference = parseReference(name)
    const platform = chosenPlatform(flags.platform, context)
    const { out, err } = context
    const store = await context.store()
    if (!flags.quiet) {
      if (!hasTagOrDigest(name)) out.write('Using default tag: latest\n')
      out.write(`${reference.tag ?? reference.digest}: Pulling from ${reference.repository}\n`)
    }
    const progress = flags.quiet ? undefined : showTransfer('pull', out, err)
    try {
      const { onEvent } = progress ?? {}
      const pulled = await pullImage(store, reference, { platform, onEvent, signal: context.signal })
      progress?.end()
      if (!flags.quiet) {
        const state = pulled.changed ? 'Downloaded newer image for' : 'Image is up to date for'
        out.write(`Digest: ${pulled.digest}\nStatus: ${state} ${familiarReference(reference)}\n`)
      }
      out.write(`${formatReference(reference)}\n`)
      return 0
    } catch (error) {
      progress?.end()
      throw error
    }
  },
})

function hasTagOrDigest(name: string): boolean {
  return name.includes('@') || name.lastIndexOf(':') > name.lastIndexOf('/')
}
