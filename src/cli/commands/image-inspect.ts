import { parsePlatform } from '../../oci/platform.ts'
import type { LocalStore } from '../../store/open.ts'
import { command } from '../command.ts'
import { text } from '../flag.ts'
import { inspectImage, inspectObjects } from '../inspect-objects.ts'

export default command({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  about: 'Show everything recorded about one or more images, as JSON or through a Go template.',
  examples: [
    ['image inspect myapp:1.0', 'everything'],
    ["image inspect -f '{{json .Config.Env}}' myapp:1.0", 'its default environment'],
  ],
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  flags: {
    format: text('Go template, or json', { short: 'f' }),
    platform: text('Of an image for several platforms, the one for this', { placeholder: 'os/arch' }),
  },
  async run(context, { args, flags }) {
    const platform = flags.platform === undefined ? undefined : parsePlatform(flags.platform)
    const find = (store: LocalStore, name: string) => inspectImage(store, name, platform)
    return await inspectObjects(context, args, { format: flags.format, find })
  },
})
