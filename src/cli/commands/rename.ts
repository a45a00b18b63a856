import { findContainer } from '../../container/find.ts'
import { checkContainerName } from '../../container/names.ts'
import { ShaleError } from '../../error.ts'
import { command } from '../command.ts'

export default command({
  usage: 'CONTAINER NEW_NAME',
  about: 'Give a container another name.',
  examples: [['rename brave_lyell web', 'one that says what it is']],
  args: { min: 2, max: 2 },
  flags: {},
  async run(context, { args: [name = '', next = ''] }) {
    const store = await context.store()
    const { id, name: before } = findContainer(store, name)
    if (before === next) {
      throw new ShaleError('SAME_NAME', 'Renaming a container with the same name as its current name')
    }
    store.containers.change(id, { name: checkContainerName(next) })
    return 0
  },
})
