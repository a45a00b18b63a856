import { ShaleError } from '../error.ts'
import type { LocalStore } from '../store/open.ts'
import type { Context } from './command.ts'
import { humanSize, parseBytes } from './format/size.ts'

const NAME = 'SHALE_STORE_LIMIT'

/** Bytes of the variable; undefined without it. Throws `INVALID_LIMIT`. */
export function storeLimit({ env }: Pick<Context, 'env'>): number | undefined {
  const text = env[NAME]
  if (text === undefined || text === '') return undefined
  try {
    return parseBytes(text)
  } catch (cause) {
    throw new ShaleError('INVALID_LIMIT', `${NAME} is ${JSON.stringify(text)}, which is no size`, {
      hint: 'write it as bytes or with a unit: 500m, 20g',
      cause,
    })
  }
}

/** After the store has grown: keeps it within the limit, if there is one, and says on the error output what went. */
export async function keepStoreLimit(context: Context, store: LocalStore): Promise<void> {
  const limit = storeLimit(context)
  if (limit === undefined) return
  const { keepWithin } = await import('../store/keep-within.ts')
  const { pruned, beyond } = await keepWithin(store, limit)
  const count = pruned?.records.length ?? 0
  if (pruned !== undefined && pruned.collected.bytes > 0) {
    const steps = `${count} recorded ${count === 1 ? 'step' : 'steps'}`
    const text = `Removed ${humanSize(pruned.collected.bytes)} of build cache (${steps}) to keep the store within ${humanSize(limit)}`
    context.err.write(`${text}\n`)
  }
  if (beyond > 0) {
    context.err.write(
      `Warning: the store takes ${humanSize(beyond)} more than ${NAME}: images, containers and volumes need that, see \`shale system df\`\n`,
    )
  }
}
