import type { RegistryAccess } from '../release/registry-tag.ts'
import type { Context } from './command.ts'

/** Gives the work a client, whose module is loaded only here, and closes it when that is done. */
export async function withRegistry<T>(context: Context, work: (access: RegistryAccess) => Promise<T>): Promise<T> {
  const { createRegistryClient } = await import('../registry/client/registry.ts')
  const client = createRegistryClient({ env: context.env })
  try {
    return await work({ store: await context.store(), client, signal: context.signal })
  } finally {
    client.close()
  }
}
