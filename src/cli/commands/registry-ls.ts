import { listRepositories } from '../../registry/client/catalog.ts'
import { command } from '../command.ts'
import { withRegistryClient } from '../registry-client.ts'
import { registryName } from '../registry-name.ts'

export default command({
  usage: 'REGISTRY[/PREFIX]',
  about: 'List the repositories of a registry, or those whose names begin with the prefix.',
  examples: [
    ['registry ls localhost:5000', 'all of them'],
    ['registry ls registry.example.com/team/', 'those of a team'],
  ],
  args: { min: 1, max: 1 },
  flags: {},
  async run(context, { args: [text = ''] }) {
    const bare = text.replace(/^https?:\/\//, '')
    const slash = bare.indexOf('/')
    const prefix = slash < 0 ? '' : bare.slice(slash + 1)
    return await withRegistryClient(context, async client => {
      const registry = client.registry(registryName(bare))
      for await (const name of listRepositories(registry, context.signal)) {
        if (name.startsWith(prefix)) context.out.write(`${name}\n`)
      }
      return 0
    })
  },
})
