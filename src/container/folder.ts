import { join } from 'node:path'
import type { LocalStore } from '../store/open.ts'

/** Where the parts of a container are; absolute paths. */
export interface ContainerFolder {
  readonly path: string
  /** What the container has changed of its file system. */
  readonly upper: string
  /** Overlayfs' own, empty when the container does not run. */
  readonly work: string
  readonly log: string
  /** Name of the socket in the folder. */
  readonly socket: 'control'
}

export function containerFolder({ layout }: Pick<LocalStore, 'layout'>, id: string): ContainerFolder {
  const path = join(layout.containers, id)
  return {
    path,
    upper: join(path, 'upper'),
    work: join(path, 'work'),
    log: join(path, 'container.log'),
    socket: 'control',
  }
}
