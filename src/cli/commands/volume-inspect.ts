import { ShaleError } from '../../error.ts'
import { command } from '../command.ts'
import { text } from '../flag.ts'
import { formatOne, parseFormat } from '../format/format.ts'
import { goJson, record } from '../format/template/value.ts'
import { describeError } from '../print-error.ts'
import { volumeDocument } from '../volume-rows.ts'

export default command({
  usage: '[OPTIONS] VOLUME [VOLUME...]',
  about: 'Show what is recorded about one or more volumes, as JSON or through a Go template.',
  examples: [
    ['volume inspect data', 'everything'],
    ["volume inspect -f '{{.Mountpoint}}' data", 'the folder that containers see'],
  ],
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  flags: { format: text('Go template, or json', { short: 'f' }) },
  async run(context, { args, flags }) {
    const format = flags.format === 'json' ? '{{json .}}' : flags.format
    if (format !== undefined) parseFormat(format)
    const { volumes } = await context.store()
    const found = args.map(name => volumes.get(name))
    const documents = found.flatMap(volume => (volume === undefined ? [] : [volumeDocument(volume)]))
    const output =
      format === undefined
        ? `${goJson(documents, '    ')}\n`
        : documents.map(one => formatOne(format, record('volume.Volume', one))).join('')
    context.out.write(output === '' ? '\n' : output)
    const missing = args.filter((_, index) => found[index] === undefined)
    for (const name of missing) {
      const error = new ShaleError('VOLUME_NOT_FOUND', `get ${name}: no such volume`)
      context.err.write(`${describeError(error, context.debug)}\n`)
    }
    return missing.length === 0 ? 0 : 1
  },
})
