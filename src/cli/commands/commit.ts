import { commitContainer } from '../../container/commit.ts'
import { findContainer } from '../../container/find.ts'
import { withContainer } from '../../container/with-container.ts'
import { ShaleError } from '../../error.ts'
import { formatReference, parseReference } from '../../oci/reference.ts'
import { command } from '../command.ts'
import { boolean, list, text } from '../flag.ts'

export default command({
  usage: '[OPTIONS] CONTAINER [REPOSITORY[:TAG]]',
  about:
    'Make an image of a container: its own image with what it has written on top, without mounts and volumes. One that\n' +
    'runs is not halted meanwhile. A Dockerfile says better where an image comes from.',
  examples: [['commit -m "try it" web myapp:try', 'what is there now']],
  args: { min: 1, max: 2 },
  flags: {
    author: text('Who made it', { short: 'a', placeholder: 'name' }),
    change: list('A line of a Dockerfile that says how to run it', { short: 'c', placeholder: 'line' }),
    message: text('What it is for, in its history', { short: 'm', placeholder: 'text' }),
    pause: boolean('', { short: 'p', hidden: true }, true),
  },
  async run(context, { args: [name = '', image], flags }) {
    const reference = image === undefined ? undefined : parseReference(image)
    if (reference?.digest !== undefined) {
      throw new ShaleError('INVALID_TAG', `refusing to create a tag with a digest reference: ${image}`)
    }
    const names = reference === undefined ? [] : [formatReference(reference)]
    const store = await context.store()
    const { author, message, change: changes } = flags
    const row = findContainer(store, name)
    const digest = await withContainer(store, row, tools => commitContainer(tools, { names, author, message, changes }))
    context.out.write(`${digest}\n`)
    return 0
  },
})
