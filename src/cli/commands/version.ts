import { formatPlatform, hostPlatform } from '../../oci/platform.ts'
import { VERSION } from '../../version.ts'
import { command } from '../command.ts'
import { text } from '../flag.ts'

export default command({
  usage: '[OPTIONS]',
  about: 'Show the version of Shale and of what it runs on.',
  examples: [
    ['version', 'everything'],
    ["version --format '{{.Client.Version}}'", 'only the number'],
  ],
  args: { min: 0, max: 0 },
  flags: {
    format: text('Format the output with a Go template, or as json', { short: 'f' }),
  },
  async run(context, { flags }) {
    const client = {
      Version: VERSION,
      NodeVersion: process.versions.node,
      Os: hostPlatform().os,
      Arch: hostPlatform().architecture,
    }
    if (flags.format !== undefined) {
      const { formatOne } = await import('../format/format.ts')
      context.out.write(formatOne(flags.format, { Client: client, Server: client }))
      return 0
    }
    const lines = [
      `Shale:`,
      ` Version:   ${VERSION}`,
      ` Node.js:   ${client.NodeVersion}`,
      ` OS/Arch:   ${formatPlatform(hostPlatform())}`,
    ]
    context.out.write(`${lines.join('\n')}\n`)
    return 0
  },
})
