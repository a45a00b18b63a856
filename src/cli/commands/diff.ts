import { diffImages } from '../../advise/diff/diff.ts'
import { parsePlatform } from '../../oci/platform.ts'
import { command } from '../command.ts'
import { diffText } from '../diff-text.ts'
import { boolean, text } from '../flag.ts'
import { withImages } from '../visited-images.ts'

export default command({
  usage: '[OPTIONS] IMAGE IMAGE',
  about:
    'Show what tells two images apart: configuration, layers, packages and files, from the first to the second. Times are ' +
    'not compared. Nothing is unpacked for it. Each is an image of the store, or docker://NAME (a registry), ' +
    'oci:PATH[:NAME], oci-archive:PATH[:NAME] or docker-archive:PATH[:NAME].',
  examples: [
    ['diff myapp:1.0 myapp:1.1', 'what has changed?'],
    ['diff --all debian:trixie myapp:1.0', 'every file that the image adds to its base'],
    ['diff myapp:1.1 docker://registry.example.com/myapp:1.1', 'is it what is in the registry?'],
    ['diff --exit-code a b', 'exit with 1 when they differ'],
  ],
  args: { min: 2, max: 2 },
  flags: {
    all: boolean('Show every file, not only the largest', { short: 'a' }),
    exitCode: boolean('Exit with 1 when the images differ'),
    format: text('text (default) or json', { choices: ['text', 'json'] }),
    platform: text('Of images for several platforms, those for this', { placeholder: 'os/arch' }),
  },
  async run(context, { args, flags }) {
    const platform = flags.platform === undefined ? undefined : parsePlatform(flags.platform)
    const diff = await withImages(context, args, platform, async ([a, b]) => {
      if (a === undefined || b === undefined) throw new Error('two images were asked for')
      return await diffImages(a, b)
    })
    context.out.write(flags.format === 'json' ? `${JSON.stringify(diff, undefined, 2)}\n` : diffText(diff, flags.all))
    return flags.exitCode && !diff.same ? 1 : 0
  },
})
