import { ShaleError } from '../../error.ts'
import { formatReference, parseReference, type Reference } from '../../oci/reference.ts'
import { pushImage } from '../../registry/client/push.ts'
import type { RegistryClient } from '../../registry/client/registry.ts'
import type { Store } from '../../store/types.ts'
import { type Context, command, type Input } from '../command.ts'
import { boolean, text } from '../flag.ts'
import { isTagged } from '../image-names.ts'
import { chosenPlatform, platformFlag } from '../platform-flag.ts'
import { quietTransfer, showTransfer } from '../progress/transfer.ts'
import { withRegistryClient } from '../registry-client.ts'

const flags = {
  allTags: boolean('Upload every tag of the repository that the store has', { short: 'a' }),
  compression: text('Compress layers anew where they have another compression: gzip or zstd', {
    choices: ['gzip', 'zstd'],
  }),
  disableContentTrust: boolean('', { hidden: true }),
  platform: platformFlag,
  quiet: boolean('Print only the name', { short: 'q' }),
}

export default command({
  usage: '[OPTIONS] NAME[:TAG] [NAME[:TAG]...]',
  about:
    'Upload images to the registries of their names. The digest there is the one here. A push that was interrupted ' +
    'goes on where it was.',
  examples: [
    ['push registry.example.com/team/app:1.0', 'upload it'],
    ['push registry.example.com/app:1.0 registry.example.com/app:latest', 'both names'],
    ['push -a registry.example.com/team/app', 'every tag that is here'],
    ['push --compression gzip registry.example.com/app:1.0', 'for a registry or runtime without zstd'],
    ['push -q registry.example.com/team/app:1.0', 'and print only the name'],
  ],
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  flags,
  async run(context, { args, flags }) {
    const references = args.map(name => parseReference(name))
    const tagged = args.find(isTagged)
    if (flags.allTags && tagged !== undefined) {
      throw new ShaleError('TAG_WITH_ALL_TAGS', "tag can't be used with --all-tags/-a", {
        hint: `name the repository alone: ${tagged.replace(/[:@].*$/, '')}`,
      })
    }
    const store = await context.store()
    return await withRegistryClient(context, async client => {
      for (const [at, reference] of references.entries()) {
        if (!flags.quiet) {
          if (!flags.allTags && !isTagged(args[at] as string)) context.out.write('Using default tag: latest\n')
          context.out.write(`The push refers to repository [${reference.registry}/${reference.repository}]\n`)
        }
        for (const each of flags.allTags ? storedTags(store, reference) : [reference]) {
          await pushOne({ context, store, client, flags }, each)
        }
      }
      return 0
    })
  },
})

interface Push {
  readonly context: Context
  readonly store: Store
  readonly client: RegistryClient
  readonly flags: Input<typeof flags>['flags']
}

async function pushOne({ context, store, client, flags }: Push, reference: Reference): Promise<void> {
  const { out, signal } = context
  const platform = flags.platform === undefined ? undefined : chosenPlatform(flags.platform, context)
  const progress = flags.quiet ? quietTransfer(context) : showTransfer('push', context)
  try {
    const compression = flags.compression as 'gzip' | 'zstd' | undefined
    const options = { platform, compression, onEvent: progress.onEvent, signal, client }
    const pushed = await pushImage(store, reference, options)
    progress.end()
    const tag = reference.tag ?? reference.digest
    if (flags.quiet) return out.write(`${formatReference(reference)}\n`)
    out.write(`${tag}: digest: ${pushed.digest} size: ${pushed.size}\n`)
    if (pushed.original !== undefined) out.write(`${tag}: recompressed from ${pushed.original}\n`)
  } catch (error) {
    progress.end()
    throw error
  }
}

function storedTags(store: Store, reference: Reference): readonly Reference[] {
  const repository = `${reference.registry}/${reference.repository}`
  const names = store.images.list().flatMap(({ names }) => names.filter(name => name.startsWith(`${repository}:`)))
  if (names.length > 0) return names.toSorted().map(name => parseReference(name))
  throw new ShaleError('NO_SUCH_IMAGE', `an image does not exist locally with the tag: ${repository}`, {
    hint: `give it that name first: shale tag IMAGE ${repository}`,
  })
}
