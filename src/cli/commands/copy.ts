import { type CopiedImage, copyImage } from '../../copy/copy.ts'
import { openSource, openTarget } from '../../copy/open.ts'
import { parsePlace } from '../../copy/place.ts'
import { ShaleError } from '../../error.ts'
import type { RegistryClient } from '../../registry/client/registry.ts'
import { type Context, command, type Input } from '../command.ts'
import { boolean } from '../flag.ts'
import { chosenPlatform, platformFlag } from '../platform-flag.ts'
import { quietTransfer, showTransfer } from '../progress/transfer.ts'
import { withRegistryClient } from '../registry-client.ts'

const flags = {
  allPlatforms: boolean('Copy an index with the images of all its platforms', { short: 'a' }),
  platform: platformFlag,
  quiet: boolean('Print only the digest', { short: 'q' }),
  referrers: boolean('Copy what refers to the image too: signatures, SBOMs'),
}

export default command({
  usage: '[OPTIONS] SOURCE DESTINATION',
  about:
    'Copy an image, byte for byte, so that its digest stays. Each side is a plain name, docker://NAME (a registry), ' +
    'oci:PATH[:NAME] (an OCI layout), oci-archive:PATH[:NAME] or docker-archive:PATH[:NAME]. A plain SOURCE is looked ' +
    'for in the store, then in its registry; a plain DESTINATION is a name in the store. Of an index the image for this ' +
    'machine’s platform is copied, unless told otherwise.',
  examples: [
    ['copy docker://debian docker://registry.example.com/debian', 'from registry to registry'],
    ['copy -a docker://debian docker://registry.example.com/debian', 'with all its platforms'],
    ['copy docker://registry.example.com/app:1 app:1', 'into the store'],
    ['copy app:1 oci:./layout:1', 'from the store to a folder'],
    ['copy docker-archive:app.tar docker://registry.example.com/app:1', 'what docker save wrote'],
  ],
  args: { min: 2, max: 2 },
  flags,
  async run(context, { args, flags }) {
    if (flags.allPlatforms && flags.platform !== undefined) {
      throw new ShaleError('PLATFORM_AND_ALL', '--platform and --all-platforms exclude each other')
    }
    const copied = await withRegistryClient(context, client => copy(context, client, args, flags))
    if (flags.quiet) context.out.write(`${copied.digest}\n`)
    else context.out.write(`Digest: ${copied.digest}\nStatus: Copied ${args[0]} to ${args[1]}\n`)
    return 0
  },
})

async function copy(
  context: Context,
  client: RegistryClient,
  [from = '', to = '']: readonly string[],
  { quiet, platform, allPlatforms, referrers }: Input<typeof flags>['flags'],
): Promise<CopiedImage> {
  // Both are read before anything is opened.
  const [sourcePlace, targetPlace] = [parsePlace(from), parsePlace(to)]
  const { signal } = context
  const store = await context.store()
  const lease = store.lease(`copy ${from}`)
  const { onEvent, end } = quiet ? quietTransfer(context) : showTransfer('copy', context)
  try {
    const places = { store, lease, client, onEvent, signal }
    const source = await openSource(places, sourcePlace)
    const target = await openTarget(places, targetPlace, source.imageName)
    const wanted = allPlatforms ? undefined : chosenPlatform(platform, context)
    return await copyImage(source, target, { platform: wanted, allPlatforms, referrers, onEvent, signal })
  } finally {
    end()
    lease.end()
  }
}
