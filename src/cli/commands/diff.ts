import { diffImages } from '../../advise/diff/diff.ts'
import { fromByteString } from '../../layer/entry.ts'
import { parsePlatform } from '../../oci/platform.ts'
import { type Context, command } from '../command.ts'
import { diffText } from '../diff-text.ts'
import { boolean, text } from '../flag.ts'
import { withImages } from '../visited-images.ts'

export default command({
  usage: '[OPTIONS] IMAGE IMAGE | CONTAINER',
  about:
    'Show what tells two images apart: configuration, layers, packages and files, from the first to the second. Times are ' +
    'not compared. Nothing is unpacked for it. Each is an image of the store, or docker://NAME (a registry), ' +
    'oci:PATH[:NAME], oci-archive:PATH[:NAME] or docker-archive:PATH[:NAME]. Of one name: which files a container has ' +
    'added (A), changed (C) or deleted (D).',
  examples: [
    ['diff myapp:1.0 myapp:1.1', 'what has changed?'],
    ['diff web', 'what has a container written?'],
    ['diff --all debian:trixie myapp:1.0', 'every file that the image adds to its base'],
    ['diff myapp:1.1 docker://registry.example.com/myapp:1.1', 'is it what is in the registry?'],
    ['diff --exit-code a b', 'exit with 1 when they differ'],
  ],
  args: { min: 1, max: 2 },
  flags: {
    all: boolean('Show every file, not only the largest', { short: 'a' }),
    exitCode: boolean('Exit with 1 when the images differ'),
    format: text('text (default) or json', { choices: ['text', 'json'] }),
    platform: text('Of images for several platforms, those for this', { placeholder: 'os/arch' }),
  },
  async run(context, { args, flags }) {
    if (args.length === 1) return await showChanges(context, args[0] as string)
    const platform = flags.platform === undefined ? undefined : parsePlatform(flags.platform)
    const diff = await withImages(context, args, platform, async ([a, b]) => {
      if (a === undefined || b === undefined) throw new Error('two images were asked for')
      return await diffImages(a, b)
    })
    context.out.write(flags.format === 'json' ? `${JSON.stringify(diff, undefined, 2)}\n` : diffText(diff, flags.all))
    return flags.exitCode && !diff.same ? 1 : 0
  },
})

async function showChanges(context: Context, name: string): Promise<number> {
  const store = await context.store()
  const { containerChanges } = await import('../../container/changes.ts')
  const { findContainer } = await import('../../container/find.ts')
  const { withContainer } = await import('../../container/with-container.ts')
  const changes = await withContainer(store, findContainer(store, name), containerChanges)
  context.out.write(changes.map(({ kind, path }) => `${kind} /${fromByteString(path)}\n`).join(''))
  return 0
}
