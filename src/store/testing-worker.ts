import { once } from 'node:events'
import { sha256 } from '../oci/digest.ts'
import { collect } from './collect.ts'
import { openStore } from './open.ts'
import { addImage, addLayer } from './testing.ts'

/*
 * A process of the multi-process tests: `node testing-worker.ts ROOT JOB NAME COUNT`. It says `ready`, waits for a line
 * on its standard input so that all start together, and does its job; it fails loudly or not at all.
 */
const [root = '', job = '', name = '', countText = '1'] = process.argv.slice(2)
const count = Number(countText)
const store = openStore({ root })

const jobs: Readonly<Record<string, () => Promise<void>>> = {
  /** Points tags at the image that is there. */
  async tag() {
    const [image] = store.images.list()
    if (image === undefined) throw new Error('no image to tag')
    for (let i = 0; i < count; i++) store.images.tag(`localhost/${name}:${i}`, image.id, 'test')
  },

  /** Puts the same large blob as every other process. */
  async put() {
    const lease = store.lease('put')
    for (let i = 0; i < count; i++) {
      const writer = store.blobs.writer(lease)
      for (let part = 0; part < 16; part++) writer.write(Buffer.alloc(65_536, `${i}/${part}`))
      await writer.commit()
    }
  },

  /** Makes images of layers that others make and drop too, and reads them back. */
  async build() {
    for (let i = 0; i < count; i++) {
      const lease = store.lease('build')
      const layers = [await addLayer(store, lease, `shared ${i % 5}`), await addLayer(store, lease, `${name} ${i}`)]
      const { digest } = await addImage(store, lease, { layers, author: name })
      store.images.tag(`localhost/${name}:${i}`, digest, 'build')
      lease.end()
      const image = await store.images.open(digest)
      for (const layer of image.manifest.layers) await store.blobs.read(layer.digest)
      if (i % 2 === 0) continue
      store.images.untag(`localhost/${name}:${i}`, 'test')
      store.images.remove(digest)
    }
  },

  async collect() {
    for (let i = 0; i < count; i++) await collect(store)
  },

  /** Until killed: adds, forgets and collects, so that the kill hits any of it. */
  async churn() {
    for (let i = 0; ; i++) {
      const lease = store.lease('churn')
      const layer = await addLayer(store, lease, `${name} ${i}`)
      const tree = store.trees.begin(lease, layer.tocDigest)
      tree.commit()
      const { digest } = await addImage(store, lease, { layers: [layer] })
      if (i % 3 === 0) store.images.tag(`localhost/${name}:${i}`, digest, 'churn')
      else store.images.remove(digest)
      await store.blobs.put(lease, Buffer.from(sha256(`${name} ${i}`)))
      lease.end()
      await collect(store)
      process.stdout.write('.')
    }
  },
}

process.stdout.write('ready\n')
await once(process.stdin, 'data')
process.stdin.destroy()
await jobs[job]?.()
store.close()
