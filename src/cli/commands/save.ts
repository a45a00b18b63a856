import { saveArchive, saveLayout } from '../../archive/save.ts'
import { writeFileWhole } from '../../archive/write-file.ts'
import { ShaleError } from '../../error.ts'
import { command } from '../command.ts'
import { text } from '../flag.ts'
import { chosenPlatform, platformFlag } from '../platform-flag.ts'

const FORMATS = ['docker-archive', 'oci-archive', 'oci-layout'] as const

export default command({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  about: 'Write images to a tar archive (to the standard output unless -o names a file) or to an OCI layout folder.',
  examples: [
    ['save -o app.tar myapp:1.0', 'for docker load of any version'],
    ['save --format oci-archive myapp:1.0 | zstd > app.tar.zst', 'keeps the image ID'],
    ['save --format oci-layout -o ./layout myapp:1.0', 'a folder'],
  ],
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  flags: {
    format: text('docker-archive, oci-archive or oci-layout', { choices: FORMATS }),
    output: text('Write to this file or folder', { short: 'o', placeholder: 'file' }),
    platform: platformFlag,
  },
  async run(context, { args, flags }) {
    const format = (flags.format ?? 'docker-archive') as (typeof FORMATS)[number]
    const { output } = flags
    if (format === 'oci-layout') {
      if (output === undefined) {
        throw new ShaleError('NO_OUTPUT', 'an OCI layout is a folder: name it with -o', { exitCode: 1 })
      }
      await saveLayout(await context.store(), args, output)
      return 0
    }
    if (output === undefined && context.out.isTerminal) {
      throw new ShaleError('OUTPUT_IS_TERMINAL', 'cowardly refusing to save to a terminal', {
        hint: 'use the -o flag or redirect',
      })
    }
    const platform = chosenPlatform(flags.platform, context)
    const bytes = saveArchive(await context.store(), args, { format, platform })
    if (output !== undefined) await writeFileWhole(output, bytes)
    else for await (const chunk of bytes) context.out.write(chunk)
    return 0
  },
})
