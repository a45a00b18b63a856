import { ShaleError } from '../../error.ts'
import { MAX_DOCUMENT_BYTES, parseManifest } from '../../oci/manifest.ts'
import { hostPlatform, type Platform } from '../../oci/platform.ts'
import { formatReference, parseReference, type Reference } from '../../oci/reference.ts'
import { readBlob } from '../../registry/client/blobs.ts'
import { getManifest, type RemoteManifest } from '../../registry/client/manifests.ts'
import type { RegistryClient } from '../../registry/client/registry.ts'
import { chooseManifest } from '../../transfer/choose.ts'
import { type Context, command } from '../command.ts'
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
      const manifest = await find(context, client, reference, platform)
      if (flags.digest) context.out.write(`${manifest.digest}\n`)
      else context.out.write(flags.config ? await configOf(context, client, reference, manifest) : manifest.raw)
      return 0
    })
  },
})

async function find(
  { signal }: Context,
  client: RegistryClient,
  reference: Reference,
  platform: Platform | undefined,
): Promise<RemoteManifest> {
  const registry = client.registry(reference.registry)
  const { repository, tag = 'latest', digest } = reference
  const top = await getManifest(registry, { repository, reference: digest ?? tag }, signal)
  const document = parseManifest(top.raw, top.mediaType)
  if (document.kind === 'manifest' || platform === undefined) return top
  const chosen = chooseManifest(document.index, platform, formatReference(reference))
  return await getManifest(registry, { repository, reference: chosen.digest }, signal)
}

async function configOf(
  { signal }: Context,
  client: RegistryClient,
  { registry, repository }: Reference,
  { raw, mediaType }: RemoteManifest,
): Promise<Buffer> {
  const document = parseManifest(raw, mediaType)
  if (document.kind === 'index') throw new ShaleError('INVALID_INDEX', 'the image is an index in an index')
  const { digest, size } = document.manifest.config
  if (size > MAX_DOCUMENT_BYTES) throw new ShaleError('DOCUMENT_TOO_LARGE', `the configuration has ${size} bytes`)
  return Buffer.concat(await Array.fromAsync(readBlob(client.registry(registry), { repository, digest }, size, signal)))
}
