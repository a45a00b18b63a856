import { loadArchive } from '../../archive/load.ts'
import { ShaleError } from '../../error.ts'
import { familiarReference, parseReference } from '../../oci/reference.ts'
import { command } from '../command.ts'
import { boolean, text } from '../flag.ts'
import { showTransfer } from '../progress/transfer.ts'

export default command({
  usage: '[OPTIONS]',
  about: 'Read images from an archive (of docker save, an OCI archive) or an OCI layout folder.',
  examples: [
    ['load -i app.tar', 'from a file; compressed ones too'],
    ['load < app.tar.gz', 'from the standard input'],
    ['load -i ./layout', 'from an OCI layout folder'],
  ],
  args: { min: 0, max: 0 },
  flags: {
    input: text('Read from this file or folder instead of the standard input', { short: 'i', placeholder: 'file' }),
    quiet: boolean('Show no progress', { short: 'q' }),
  },
  async run(context, { flags }) {
    if (flags.input === undefined && process.stdin.isTTY) {
      throw new ShaleError('NO_INPUT', 'requested load from stdin, but stdin is empty', {
        hint: 'name the archive: shale load -i FILE',
      })
    }
    const { out, err, signal } = context
    const store = await context.store()
    const progress =
      flags.quiet || !err.canRedraw ? undefined : showTransfer('load', { out: err, err, debug: context.debug })
    try {
      const loaded = await loadArchive(store, flags.input ?? process.stdin, { onEvent: progress?.onEvent, signal })
      progress?.end()
      for (const { id, names } of loaded) {
        if (names.length === 0) out.write(`Loaded image ID: ${id}\n`)
        for (const name of names) out.write(`Loaded image: ${familiarReference(parseReference(name))}\n`)
      }
      return 0
    } catch (error) {
      progress?.end()
      throw error
    }
  },
})
