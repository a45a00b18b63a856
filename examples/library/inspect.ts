// Builds an image in process, tells why each step ran, and reads a file of the image without unpacking anything.
// node examples/library/inspect.ts CONTEXT STORE PATH-IN-THE-IMAGE
import { resolve } from 'node:path'
// In a project of your own: from 'shale'.
import { type BuildEvent, build, openImage, openStore } from '../../src/index.ts'

const [context = '.', root = './store', path = '/etc/os-release'] = process.argv.slice(2)
const names = new Map<number, string>()

function tell(event: BuildEvent): void {
  if (event.type === 'started') for (const { id, name } of event.steps) names.set(id, name)
  if (event.type === 'step-added') names.set(event.step.id, event.step.name)
  if (event.type === 'step-finished' && event.reason !== undefined) {
    console.log(`${event.status.padEnd(6)} ${names.get(event.id)}: ${event.reason.summary}`)
  }
}

const store = openStore({ root: resolve(root) })
try {
  const { imageId } = await build(store, { context: resolve(context), tags: ['library-example'], onEvent: tell })
  const image = await openImage(store, 'library-example')
  console.log(`image ${imageId} has ${image.layers.length} layers`)
  process.stdout.write(await image.readFile(path))
} finally {
  store.close()
}
