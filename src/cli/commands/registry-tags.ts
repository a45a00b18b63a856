import { ShaleError } from '../../error.ts'
import { parseReference } from '../../oci/reference.ts'
import { listTags } from '../../registry/client/tags.ts'
import { command } from '../command.ts'
import { isTagged } from '../image-names.ts'
import { withRegistryClient } from '../registry-client.ts'

export default command({
  usage: 'NAME',
  about: 'List the tags that a repository has in its registry.',
  examples: [['registry tags registry.example.com/team/app', 'a line for each']],
  args: { min: 1, max: 1 },
  flags: {},
  async run(context, { args: [name = ''] }) {
    if (isTagged(name)) {
      throw new ShaleError('NAME_WITH_TAG', `${name} is one image, not a repository`, {
        hint: `name the repository alone: ${name.replace(/(?:@.*|:[^:/]*)$/, '')}`,
      })
    }
    const { registry, repository } = parseReference(name)
    return await withRegistryClient(context, async client => {
      for await (const tag of listTags(client.registry(registry), repository, context.signal)) {
        context.out.write(`${tag}\n`)
      }
      return 0
    })
  },
})
