import { release } from 'node:os'
import { isActive, settleAll } from '../../container/settle.ts'
import { formatPlatform, hostPlatform } from '../../oci/platform.ts'
import { enforcedSecurity } from '../../sandbox/enforced.ts'
import { VERSION } from '../../version.ts'
import { command } from '../command.ts'
import { text } from '../flag.ts'

export default command({
  usage: '[OPTIONS]',
  about: 'Show where the store is, what it holds and what this machine can do.',
  examples: [
    ['info', 'everything'],
    ["info --format '{{.Root}}'", 'only where the store is'],
  ],
  args: { min: 0, max: 0 },
  flags: { format: text('Go template, or json', { short: 'f' }) },
  async run(context, { flags }) {
    const store = await context.store()
    const containers = settleAll(store)
    const running = containers.filter(isActive).length
    const facts = {
      Version: VERSION,
      NodeVersion: process.versions.node,
      Root: store.root,
      Containers: containers.length,
      ContainersRunning: running,
      ContainersPaused: 0,
      ContainersStopped: containers.length - running,
      Images: store.images.list().length,
      CacheRecords: store.cache.list().length,
      Rootless: process.getuid?.() !== 0,
      Platform: formatPlatform(hostPlatform()),
      KernelVersion: release(),
      SecurityOptions: enforcedSecurity(),
    }
    if (flags.format !== undefined) {
      const { formatOne } = await import('../format/format.ts')
      const { record } = await import('../format/template/value.ts')
      context.out.write(formatOne(flags.format, record('info', facts)))
      return 0
    }
    const lines = [
      ['Version', facts.Version],
      ['Node.js', facts.NodeVersion],
      ['Store', facts.Root],
      ['Containers', `${facts.Containers} (${facts.ContainersRunning} running)`],
      ['Images', facts.Images],
      ['Cached steps', facts.CacheRecords],
      ['Rootless', facts.Rootless ? 'yes' : 'no'],
      ['Platform', facts.Platform],
      ['Kernel', facts.KernelVersion],
      ['Security', facts.SecurityOptions.join(', ')],
    ]
    context.out.write(`${lines.map(([name, value]) => `${`${name}:`.padEnd(14)}${value}`).join('\n')}\n`)
    return 0
  },
})
