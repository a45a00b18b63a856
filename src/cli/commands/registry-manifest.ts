import { ShaleError } from '../../error.ts'
import { hostPlatform } from '../../oci/platform.ts'
import { parseReference } from '../../oci/reference.ts'
import { remoteConfig, remoteManifest } from '../../registry/client/image-config.ts'
import { command } from '../command.ts'
import { boolean } from '../flag.ts'
import { chosenPlatform, platformFlag } from '../platform-flag.ts'
import { withRegistryClient } from '../registry-client.ts'

export default command({
  usage: '[OPTIONS] NAME[:TAG|@DIGEST]',
  about:
    'Print the manifest or index that an image has in its registry, byte for byte. Nothing is pulled. With --platform of ' +
    'an index the manifest for that platform.',
  examples: [
    ['registry manifest debian:trixie', 'the index'],
    ['registry manifest --platform linux/arm64 debian:trixie', 'the manifest of one of its images'],
    ['registry manifest --digest registry.example.com/app:1', 'what the tag points at'],
    ['registry manifest --config registry.example.com/app:1', 'command, environment, labels, history'],
  ],
  args: { min: 1, max: 1 },
  flags: {
    config: boolean('Print the image configuration'),
    digest: boolean('Print the digest'),
    platform: platformFlag,
  },
  async run(context, { args: [name = ''], flags }) {
    if (flags.config && flags.digest) {
      throw new ShaleError('CONFIG_AND_DIGEST', '--config and --digest exclude each other')
    }
    const reference = parseReference(name)
    const platform = chosenPlatform(flags.platform, context) ?? (flags.config ? hostPlatform() : undefined)
    return await withRegistryClient(context, async client => {
      const { signal } = context
      const manifest = await remoteManifest(client, reference, platform, signal)
      if (flags.digest) context.out.write(`${manifest.digest}\n`)
      else context.out.write(flags.config ? await remoteConfig(client, reference, manifest, signal) : manifest.raw)
      return 0
    })
  },
})
