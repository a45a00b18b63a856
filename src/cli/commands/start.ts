import { attachTo, type OnOutput, type Session } from '../../container/attach.ts'
import { findContainer } from '../../container/find.ts'
import { optionsOf } from '../../container/options.ts'
import { isActive } from '../../container/settle.ts'
import { startContainer } from '../../container/start.ts'
import { ShaleError } from '../../error.ts'
import type { ContainerRow } from '../../store/containers.ts'
import type { LocalStore } from '../../store/open.ts'
import { attachAs } from '../attach-as.ts'
import { command } from '../command.ts'
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from '../detach-keys.ts'
import { eachContainer } from '../each-container.ts'
import { boolean, text } from '../flag.ts'

export default command({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  about:
    'Start containers that were made before and do not run. One that runs is left as it is. With -a or -i what it writes\n' +
    'comes here, and the exit code is its own.',
  examples: [
    ['start db web', 'two of them'],
    ['start -a job', 'one, and wait for its end'],
  ],
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  flags: {
    attach: boolean('Connect to what it writes, and pass signals on', { short: 'a' }),
    detachKeys: text('Keys that leave it (ctrl-p,ctrl-q)', { placeholder: 'keys' }),
    interactive: boolean('Connect its standard input, too', { short: 'i' }),
  },
  async run(context, { args, flags }) {
    if (!flags.attach && !flags.interactive) {
      return await eachContainer(context, args, async (store, row) => {
        if (!isActive(row)) await startContainer(store, row)
      })
    }
    const [name = '', ...more] = args
    if (more.length > 0) {
      throw new ShaleError('SEVERAL_CONTAINERS', 'you cannot start and attach multiple containers at once')
    }
    const detachKeys = parseDetachKeys(flags.detachKeys ?? DEFAULT_DETACH_KEYS)
    const store = await context.store()
    const row = findContainer(store, name)
    const options = optionsOf(row)
    return await attachAs(onOutput => startAttached(store, row, onOutput), context, {
      terminal: options.tty,
      stdin: flags.interactive && options.interactive,
      sigProxy: true,
      detachKeys,
    })
  },
})

async function startAttached(store: LocalStore, row: ContainerRow, onOutput: OnOutput): Promise<Session> {
  if (isActive(row)) return await attachTo(store, row, onOutput)
  let session: Session | undefined
  const attach = async () => {
    // It is up to run, which the record does not say yet.
    session = await attachTo(store, { ...row, status: 'starting' }, onOutput)
  }
  await startContainer(store, row, { attach })
  return session ?? (await attachTo(store, row, onOutput))
}
