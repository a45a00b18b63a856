import { dockerCredentials } from '../../registry/client/credentials.ts'
import { configKey } from '../../registry/client/docker-config.ts'
import { command } from '../command.ts'
import { registryName } from '../registry-name.ts'

export default command({
  usage: '[SERVER]',
  about: 'Forget the login of a registry; without SERVER that of Docker Hub.',
  examples: [['logout registry.example.com', 'docker will not know it any more either']],
  args: { min: 0, max: 1 },
  flags: {},
  async run(context, { args }) {
    const registry = registryName(args[0] ?? '')
    const erased = await dockerCredentials(context.env).erase(registry)
    const name = configKey(registry)
    context.out.write(erased ? `Removing login credentials for ${name}\n` : `Not logged in to ${name}\n`)
    return 0
  },
})
