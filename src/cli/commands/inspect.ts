import { parsePlatform } from '../../oci/platform.ts'
import type { LocalStore } from '../../store/open.ts'
import { command } from '../command.ts'
import { text } from '../flag.ts'
import { inspectAny, inspectContainer, inspectImage, inspectObjects } from '../inspect-objects.ts'

export default command({
  usage: '[OPTIONS] NAME|ID [NAME|ID...]',
  about: 'Show everything recorded about containers and images, as JSON or through a Go template.',
  examples: [
    ['inspect myapp:1.0', 'everything'],
    ["inspect -f '{{json .Config.Env}}' myapp:1.0", 'its default environment'],
    ["inspect -f '{{range .RootFS.Layers}}{{println .}}{{end}}' myapp:1.0", 'its layers'],
    ["inspect -f '{{.State.Status}}' web", 'whether a container runs'],
  ],
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  flags: {
    format: text('Go template, or json', { short: 'f' }),
    platform: text('Of an image for several platforms, the one for this', { placeholder: 'os/arch' }),
    type: text('Only this kind of object: container or image', { choices: ['container', 'image'] }),
  },
  async run(context, { args, flags }) {
    const platform = flags.platform === undefined ? undefined : parsePlatform(flags.platform)
    const find = (store: LocalStore, name: string) => {
      if (flags.type === 'container') return inspectContainer(store, name)
      return flags.type === 'image' ? inspectImage(store, name, platform) : inspectAny(store, name, platform)
    }
    return await inspectObjects(context, args, { format: flags.format, find })
  },
})
