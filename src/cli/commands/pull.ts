import { ShaleError } from '../../error.ts'
import { familiarReference, formatReference, parseReference, type Reference } from '../../oci/reference.ts'
import { pullImage } from '../../registry/client/pull.ts'
import type { RegistryClient } from '../../registry/client/registry.ts'
import { listTags } from '../../registry/client/tags.ts'
import type { Store } from '../../store/types.ts'
import { type Context, command, type Input } from '../command.ts'
import { boolean } from '../flag.ts'
import { isTagged } from '../image-names.ts'
import { chosenPlatform, platformFlag } from '../platform-flag.ts'
import { quietTransfer, showTransfer } from '../progress/transfer.ts'
import { withRegistryClient } from '../registry-client.ts'

const flags = {
  allTags: boolean('Download every tag of the repository', { short: 'a' }),
  disableContentTrust: boolean('', { hidden: true }),
  platform: platformFlag,
  quiet: boolean('Print only the name', { short: 'q' }),
}

export default command({
  usage: '[OPTIONS] NAME[:TAG|@DIGEST]',
  about:
    'Download an image from a registry, or from a mirror that registries.yaml names. A pull that was interrupted goes ' +
    'on where it was.',
  examples: [
    ['pull debian:trixie', 'from Docker Hub'],
    ['pull registry.example.com/team/app@sha256:…', 'exactly this one, verified'],
    ['pull -a registry.example.com/team/app', 'every tag'],
  ],
  args: { min: 1, max: 1 },
  flags,
  async run(context, { args, flags }) {
    const [name = ''] = args
    const reference = parseReference(name)
    if (flags.allTags && isTagged(name)) {
      throw new ShaleError('TAG_WITH_ALL_TAGS', "tag can't be used with --all-tags/-a", {
        hint: `name the repository alone: ${name.replace(/[:@].*$/, '')}`,
      })
    }
    if (!flags.quiet && !flags.allTags && !isTagged(name)) context.out.write('Using default tag: latest\n')
    const store = await context.store()
    return await withRegistryClient(context, async client => {
      for (const each of flags.allTags ? await everyTag(context, client, reference) : [reference]) {
        await pullOne({ context, store, client, flags }, each)
      }
      return 0
    })
  },
})

interface Pull {
  readonly context: Context
  readonly store: Store
  readonly client: RegistryClient
  readonly flags: Input<typeof flags>['flags']
}

async function pullOne({ context, store, client, flags }: Pull, reference: Reference): Promise<void> {
  const { out, signal } = context
  const platform = chosenPlatform(flags.platform, context)
  if (!flags.quiet) out.write(`${reference.tag ?? reference.digest}: Pulling from ${reference.repository}\n`)
  const progress = flags.quiet ? quietTransfer(context) : showTransfer('pull', context)
  try {
    const pulled = await pullImage(store, reference, { platform, onEvent: progress.onEvent, signal, client })
    progress.end()
    if (!flags.quiet) {
      const state = pulled.changed ? 'Downloaded newer image for' : 'Image is up to date for'
      out.write(`Digest: ${pulled.digest}\nStatus: ${state} ${familiarReference(reference)}\n`)
    }
    out.write(`${formatReference(reference)}\n`)
  } catch (error) {
    progress.end()
    throw error
  }
}

/** All are listed before the first is pulled, so that a repository that changes meanwhile does no harm. */
async function everyTag(context: Context, client: RegistryClient, reference: Reference): Promise<readonly Reference[]> {
  const { registry, repository } = reference
  const tags = await Array.fromAsync(listTags(client.registry(registry), repository, context.signal))
  if (tags.length > 0) return tags.map(tag => ({ registry, repository, tag }))
  throw new ShaleError('NO_TAGS', `${registry}/${repository} has no tags`)
}
