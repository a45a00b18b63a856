import { command } from '../command.ts'
import { text } from '../flag.ts'
import { inspectContainer, inspectObjects } from '../inspect-objects.ts'

export default command({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  about: 'Show everything recorded about one or more containers, as JSON or through a Go template.',
  examples: [
    ['container inspect web', 'everything'],
    ["container inspect -f '{{.State.ExitCode}}' job", 'how it ended'],
  ],
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  flags: {
    format: text('Go template, or json', { short: 'f' }),
  },
  async run(context, { args, flags }) {
    return await inspectObjects(context, args, { format: flags.format, find: inspectContainer })
  },
})
