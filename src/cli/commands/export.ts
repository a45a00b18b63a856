import { writeFileWhole } from '../../archive/write-file.ts'
import { exportContainer } from '../../container/export.ts'
import { findContainer } from '../../container/find.ts'
import { withContainer } from '../../container/with-container.ts'
import { ShaleError } from '../../error.ts'
import { command } from '../command.ts'
import { text } from '../flag.ts'

export default command({
  usage: '[OPTIONS] CONTAINER',
  about:
    'Write all files of a container as a tar archive (to the standard output unless -o names a file), without mounts,\n' +
    'volumes and what its image says of how to run it. One that runs is not halted meanwhile.',
  examples: [
    ['export -o files.tar web', 'what import reads'],
    ['export web | tar -t', 'what is there?'],
  ],
  args: { min: 1, max: 1 },
  flags: { output: text('Write to this file', { short: 'o', placeholder: 'file' }) },
  async run(context, { args: [name = ''], flags: { output } }) {
    if (output === undefined && context.out.isTerminal) {
      throw new ShaleError('OUTPUT_IS_TERMINAL', 'cowardly refusing to save to a terminal', {
        hint: 'use the -o flag or redirect',
      })
    }
    const store = await context.store()
    await withContainer(store, findContainer(store, name), async tools => {
      const bytes = exportContainer(tools)
      if (output !== undefined) await writeFileWhole(output, bytes)
      else for await (const chunk of bytes) context.out.write(chunk)
    })
    return 0
  },
})
