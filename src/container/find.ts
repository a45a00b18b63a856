import { ShaleError } from '../error.ts'
import type { ContainerRow } from '../store/containers.ts'
import type { LocalStore } from '../store/open.ts'
import { settleAll } from './settle.ts'

/**
 * The container that a text means: its name, else its ID or the beginning of one; as it is, not as a process that died
 * has left its record. Throws `CONTAINER_NOT_FOUND`, `CONTAINER_AMBIGUOUS`.
 */
export function findContainer(store: LocalStore, text: string): ContainerRow {
  const all = settleAll(store)
  const name = text.replace(/^\//, '')
  const exact = all.find(row => row.id === text) ?? all.find(row => row.name === name)
  if (exact !== undefined) return exact
  const [first, second] = text === '' ? [] : all.filter(row => row.id.startsWith(text))
  if (second !== undefined) {
    throw new ShaleError('CONTAINER_AMBIGUOUS', `multiple IDs found with provided prefix: ${text}`)
  }
  if (first === undefined) throw noSuchContainer(text)
  return first
}

/** Like `findContainer`; undefined when there is no such container. */
export function containerNamed(store: LocalStore, text: string): ContainerRow | undefined {
  try {
    return findContainer(store, text)
  } catch (error) {
    if (error instanceof ShaleError && error.code === 'CONTAINER_NOT_FOUND') return undefined
    throw error
  }
}

export function noSuchContainer(text: string): ShaleError {
  return new ShaleError('CONTAINER_NOT_FOUND', `No such container: ${text}`)
}
