import type { TestContext } from 'node:test'
import { openStore } from '../../../store/open.ts'
import { temporaryFolder } from '../../../store/testing.ts'
import { describeBlobStorage } from '../testing-blob-storage.ts'
import { describeMetadata } from '../testing-metadata.ts'
import { type LocalRegistry, openRegistry } from './open.ts'

function registryAt(t: TestContext, root: string): LocalRegistry {
  const store = openStore({ root, durable: true })
  const registry = openRegistry(store)
  t.after(() => {
    registry.close()
    store.close()
  })
  return registry
}

/** One server, and two servers with connections of their own on one store. */
const CASES = {
  'one server': (t: TestContext): readonly [LocalRegistry, LocalRegistry] => {
    const registry = registryAt(t, temporaryFolder(t))
    return [registry, registry]
  },
  'two servers on one store': (t: TestContext): readonly [LocalRegistry, LocalRegistry] => {
    const root = temporaryFolder(t)
    return [registryAt(t, root), registryAt(t, root)]
  },
}

for (const [name, open] of Object.entries(CASES)) {
  describeBlobStorage(name, t => {
    const [one, two] = open(t)
    return [one.blobs, two.blobs]
  })
  describeMetadata(name, t => {
    const [one, two] = open(t)
    return { one: one.metadata, two: two.metadata, blobs: one.blobs }
  })
}
