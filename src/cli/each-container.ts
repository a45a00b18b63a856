import { findContainer } from '../container/find.ts'
import type { ContainerRow } from '../store/containers.ts'
import type { LocalStore } from '../store/open.ts'
import type { Context } from './command.ts'
import { describeError } from './print-error.ts'

/**
 * Does something to each of the containers that are named, and prints each name when it is done. Whatever goes wrong
 * with one is said, and the others have their turn all the same. Gives the exit code.
 */
export async function eachContainer(
  context: Context,
  names: readonly string[],
  act: (store: LocalStore, row: ContainerRow) => Promise<unknown>,
): Promise<number> {
  const store = await context.store()
  let failures = 0
  for (const name of names) {
    try {
      await act(store, findContainer(store, name))
      context.out.write(`${name}\n`)
    } catch (error) {
      failures++
      context.err.write(`${describeError(error, context.debug)}\n`)
    }
  }
  return failures === 0 ? 0 : 1
}
