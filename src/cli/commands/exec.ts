import { execIn } from '../../container/attach.ts'
import { findContainer } from '../../container/find.ts'
import { optionsOf } from '../../container/options.ts'
import { ShaleError } from '../../error.ts'
import { beThere } from '../be-there.ts'
import { command } from '../command.ts'
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from '../detach-keys.ts'
import { boolean, list, text } from '../flag.ts'
import { environment } from '../run-options.ts'
import { windowSize } from '../window-size.ts'

export default command({
  usage: '[OPTIONS] CONTAINER COMMAND [ARG...]',
  about: 'Run a further command in a container that runs, confined as its own one is. The exit code is the command’s.',
  examples: [
    ['exec -it web sh', 'a shell in it'],
    ['exec -i db psql < dump.sql', 'with something to read'],
    ['exec -u 0 -w /srv web ls -l', 'as somebody else, somewhere else'],
  ],
  args: { min: 2, max: Number.POSITIVE_INFINITY },
  passThrough: true,
  flags: {
    detach: boolean('Leave it running in the background', { short: 'd' }),
    detachKeys: text('Keys that leave it (ctrl-p,ctrl-q)', { placeholder: 'keys' }),
    env: list('Environment variable; without a value that of this shell', { short: 'e', placeholder: 'NAME=value' }),
    envFile: list('File of environment variables', { placeholder: 'file' }),
    interactive: boolean('Connect the standard input', { short: 'i' }),
    privileged: boolean('With all capabilities'),
    tty: boolean('Give the command a terminal', { short: 't' }),
    user: text('User and group to run as', { short: 'u', placeholder: 'user[:group]' }),
    workdir: text('Folder to start in', { short: 'w', placeholder: 'dir' }),
  },
  async run(context, { args: [name = '', ...words], flags }) {
    const stdin = flags.interactive && !flags.detach
    if (stdin && flags.tty && !process.stdin.isTTY) {
      throw new ShaleError('NO_TERMINAL', 'the input device is not a TTY', { hint: 'leave out -t' })
    }
    const detachKeys = parseDetachKeys(flags.detachKeys ?? DEFAULT_DETACH_KEYS)
    const store = await context.store()
    const row = findContainer(store, name)
    const options = {
      args: words,
      env: environment(flags.envFile, flags.env, context.env),
      workdir: flags.workdir ?? optionsOf(row).workdir,
      user: flags.user,
      privileged: flags.privileged,
      terminal: flags.tty ? windowSize() : undefined,
      stdin,
    }
    const session = await execIn(store, row, options, ({ stream, chunk }) =>
      (stream === 'stdout' ? context.out : context.err).write(chunk),
    )
    if (flags.detach) {
      await session.started
      session.leave()
      return 0
    }
    return (await beThere(session, { terminal: flags.tty, stdin, detachKeys })) ?? 0
  },
})
