import { volumeKind } from '../../container/mounts/volume-options.ts'
import { ShaleError } from '../../error.ts'
import { command } from '../command.ts'
import { list, text } from '../flag.ts'
import { keyValues } from '../key-values.ts'

export default command({
  usage: '[OPTIONS] [VOLUME]',
  about: 'Make a volume and print its name. When there is one of this name already, it stays as it is.',
  examples: [
    ['volume create data', 'a volume for later'],
    ['volume create --label project=shop data', 'with a label'],
    ['volume create -o type=none -o o=bind -o device=/srv/data data', 'a name for a folder of this machine'],
  ],
  args: { min: 0, max: 1 },
  flags: {
    driver: text('Volume driver; the only one is local', { short: 'd' }),
    label: list('Label of the volume', { placeholder: 'NAME=value' }),
    name: text('', { hidden: true }),
    opt: list('Option of the driver: type, o, device', { short: 'o', placeholder: 'NAME=value' }),
  },
  async run(context, { args, flags }) {
    if (flags.driver !== undefined && flags.driver !== 'local') {
      throw new ShaleError('VOLUME_DRIVER', `there is no volume driver ${JSON.stringify(flags.driver)}`, {
        hint: 'leave --driver out: the only one is local',
      })
    }
    const options = keyValues(flags.opt, () => '', 'volume option')
    volumeKind(options)
    const labels = keyValues(flags.label, () => '', 'label')
    const { volumes } = await context.store()
    const name = args[0] ?? flags.name
    context.out.write(`${volumes.create({ name, labels, options }).name}\n`)
    return 0
  },
})
