import { ShaleError } from '../error.ts'
import type { Store } from '../store/types.ts'
import type { Context } from './command.ts'
import { quietTransfer, showTransfer } from './progress/transfer.ts'
import { withRegistryClient } from './registry-client.ts'

/** Throws before anything is built when what is built could not be pushed. */
export function checkPush({ env }: Context, tags: readonly string[]): void {
  if (tags.length === 0) {
    throw new ShaleError('NO_TAG', 'tag is needed when pushing to registry', {
      hint: 'name the image and with that the registry: -t registry.example.com/app:1.0',
    })
  }
  if (/^(?:1|true|yes)$/i.test(env.SHALE_OFFLINE ?? '')) {
    throw new ShaleError('OFFLINE', 'cannot push what is built: --offline keeps from using the network')
  }
}

/** Pushes an image under these complete names and says its digest at each, on the standard error as builds do. */
export async function pushBuilt(
  context: Context,
  store: Store,
  names: readonly string[],
  { quiet }: { readonly quiet: boolean },
): Promise<void> {
  const { pushImage } = await import('../registry/client/push.ts')
  const { err, debug, signal } = context
  await withRegistryClient(context, async client => {
    for (const name of names) {
      const progress = quiet ? quietTransfer(context) : showTransfer('push', { out: err, err, debug })
      try {
        const pushed = await pushImage(store, name, { onEvent: progress.onEvent, signal, client })
        progress.end()
        if (!quiet) err.write(`pushed ${name}: digest: ${pushed.digest} size: ${pushed.size}\n`)
      } catch (error) {
        progress.end()
        throw error
      }
    }
  })
}
