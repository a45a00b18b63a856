import { attachTo } from '../../container/attach.ts'
import { findContainer } from '../../container/find.ts'
import { optionsOf } from '../../container/options.ts'
import { isActive } from '../../container/settle.ts'
import { ShaleError } from '../../error.ts'
import { attachAs } from '../attach-as.ts'
import { command } from '../command.ts'
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from '../detach-keys.ts'
import { boolean, text } from '../flag.ts'

export default command({
  usage: '[OPTIONS] CONTAINER',
  about:
    'Connect to the command of a container that runs: what it writes from now on comes here, and the exit code is its own.\n' +
    'The keys Ctrl-P Ctrl-Q leave it running where it has a terminal.',
  examples: [['attach web', 'see what it does']],
  args: { min: 1, max: 1 },
  flags: {
    detachKeys: text('Keys that leave it (ctrl-p,ctrl-q)', { placeholder: 'keys' }),
    noStdin: boolean('Do not connect the standard input'),
    sigProxy: boolean('Pass signals on to the command (true)', {}, true),
  },
  async run(context, { args: [name = ''], flags }) {
    const detachKeys = parseDetachKeys(flags.detachKeys ?? DEFAULT_DETACH_KEYS)
    const store = await context.store()
    const row = findContainer(store, name)
    if (!isActive(row)) {
      throw new ShaleError('CONTAINER_NOT_RUNNING', 'You cannot attach to a stopped container, start it first', {
        hint: `shale start ${name}`,
      })
    }
    const options = optionsOf(row)
    return await attachAs(onOutput => attachTo(store, row, onOutput), context, {
      terminal: options.tty,
      stdin: !flags.noStdin && options.interactive,
      sigProxy: flags.sigProxy,
      detachKeys,
    })
  },
})
