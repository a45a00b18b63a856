import type { RegistryClient } from '../registry/client/registry.ts'
import type { Context } from './command.ts'

/** A client as the global flags and the environment want it. Commands that may need none load its module only here. */
export async function openRegistryClient(context: Context): Promise<RegistryClient> {
  const { createRegistryClient } = await import('../registry/client/registry.ts')
  return createRegistryClient({ env: context.env })
}

/** Gives the work a client and closes it when that is done. */
export async function withRegistryClient<T>(
  context: Context,
  work: (client: RegistryClient) => Promise<T>,
): Promise<T> {
  const client = await openRegistryClient(context)
  try {
    return await work(client)
  } finally {
    client.close()
  }
}
