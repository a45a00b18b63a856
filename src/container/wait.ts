import type { ContainerRow } from '../store/containers.ts'
import type { LocalStore } from '../store/open.ts'
import { dial } from './channel.ts'
import { containerFolder } from './folder.ts'
import { isActive } from './settle.ts'
import { waitForEnd } from './signal.ts'

/** The exit code of a container, when it has ended for good; also of one that is removed with its end. */
export async function exitOf(store: LocalStore, row: ContainerRow): Promise<number> {
  if (!isActive(row)) return row.exitCode
  const { path, socket } = containerFolder(store, row.id)
  const channel = await dial(path, socket)
  let told: number | undefined
  channel?.onMessage(message => {
    if (message.kind === 'ended') told = message.exitCode
  })
  await channel?.closed
  if (told !== undefined) return told
  return (await waitForEnd(store, row))?.exitCode ?? row.exitCode
}
