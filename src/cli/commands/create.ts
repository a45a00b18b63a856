import { command } from '../command.ts'
import { cidfile, containerRequest, pullWithProgress } from '../container-request.ts'
import { containerFlags } from '../run-options.ts'

export default command({
  usage: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  about: 'Make a container of an image and print its ID, without starting it.',
  examples: [['create --name db -v data:/var/lib/db mydb:1.0', 'a container to be started later']],
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  flags: containerFlags,
  passThrough: true,
  async run(context, input) {
    const noteId = cidfile(input.flags.cidfile)
    const options = await containerRequest(context, input)
    const store = await context.store()
    const { createFrom } = await import('../../container/create-from.ts')
    const onWarning = (message: string) => context.err.write(`Warning: ${message}\n`)
    const row = await createFrom(
      store,
      options,
      { pull: pullWithProgress(context, store, input.flags.quiet) },
      onWarning,
    )
    noteId(row.id)
    context.out.write(`${row.id}\n`)
    return 0
  },
})
