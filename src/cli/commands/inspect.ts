import { type Platform, parsePlatform } from '../../oci/platform.ts'
import type { LocalStore } from '../../store/open.ts'
import { resolveImage } from '../../store/resolve.ts'
import type { ImageSummary } from '../../store/types.ts'
import { command } from '../command.ts'
import { text } from '../flag.ts'
import { formatOne, parseFormat } from '../format/format.ts'
import { goJson } from '../format/template/value.ts'
import { inspectShape } from '../inspect-shape.ts'
import { layerSizes, sum } from '../layer-sizes.ts'
import { describeError } from '../print-error.ts'

export default command({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  about: 'Show everything recorded about one or more images, as JSON or through a Go template.',
  examples: [
    ['inspect myapp:1.0', 'everything'],
    ["inspect -f '{{json .Config.Env}}' myapp:1.0", 'its default environment'],
    ["inspect -f '{{range .RootFS.Layers}}{{println .}}{{end}}' myapp:1.0", 'its layers'],
  ],
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  flags: {
    format: text('Go template, or json', { short: 'f' }),
    platform: text('Of an image for several platforms, the one for this', { placeholder: 'os/arch' }),
    type: text('Kind of object; Shale has images only', { choices: ['image'], hidden: true }),
  },
  async run(context, { args, flags }) {
    const platform = flags.platform === undefined ? undefined : parsePlatform(flags.platform)
    const format = flags.format === 'json' ? '{{json .}}' : flags.format
    if (format !== undefined) parseFormat(format)
    const store = await context.store()
    const found: object[] = []
    const failures: unknown[] = []
    for (const name of args) {
      try {
        found.push(await inspect(store, name, platform))
      } catch (error) {
        failures.push(error)
      }
    }
    const output =
      format === undefined ? `${goJson(found, '    ')}\n` : found.map(one => formatOne(format, one)).join('')
    context.out.write(output === '' ? '\n' : output)
    for (const failure of failures) context.err.write(`${describeError(failure, context.debug)}\n`)
    return failures.length === 0 ? 0 : 1
  },
})

async function inspect(store: LocalStore, name: string, platform: Platform | undefined): Promise<object> {
  const { id } = resolveImage(store, name)
  const image = await store.images.open(id, platform)
  const summary = store.images.get(id) as ImageSummary
  const tags = summary.names.flatMap(tag => store.images.getTag(tag) ?? [])
  return inspectShape(summary, image, sum(layerSizes(store, image)), tags)
}
