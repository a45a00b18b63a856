import { ShaleError } from '../../error.ts'
import { toByteString } from '../../layer/entry.ts'
import type { ImageConfig } from '../../oci/image-config.ts'
import { imageFiles } from '../../rootfs/image-files.ts'
import { cleanPath, resolvePath } from '../../rootfs/resolve.ts'
import type { LayeredView } from '../../rootfs/view.ts'
import { findImage } from '../../store/resolve.ts'
import type { Store } from '../../store/types.ts'
import type { BaseImage } from './facts.ts'

/** What the store knows of an image; undefined when it is not there, or not whole. */
export async function baseImage(store: Store, name: string): Promise<BaseImage | undefined> {
  try {
    const found = findImage(store, name)
    if (found === undefined) return undefined
    const image = await store.images.open(found.id)
    const { view } = await imageFiles(store, image)
    return { ...factsOf(image.config), hasCommand: command => hasCommand(view, pathOf(image.config), command) }
  } catch (error) {
    if (error instanceof ShaleError) return undefined
    throw error
  }
}

function factsOf({ config, os, architecture, variant }: ImageConfig) {
  const env = config?.Env ?? []
  return { env, hasShell: (config?.Shell ?? []).length > 0, platform: { os, architecture, variant } }
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

function pathOf({ config }: ImageConfig): readonly string[] {
  const path = config?.Env?.find(line => line.startsWith('PATH='))?.slice('PATH='.length) || DEFAULT_PATH
  return path.split(':').filter(folder => folder.startsWith('/'))
}

/** Symbolic links are followed as in a container. */
function hasCommand(view: LayeredView, path: readonly string[], command: string): boolean {
  return path.some(folder => {
    try {
      const entry = view.lookup(resolvePath(view, cleanPath(toByteString(`${folder}/${command}`))))
      return entry !== undefined && entry.kind !== 'directory'
    } catch (error) {
      // A circle of links is no program.
      if (error instanceof ShaleError) return false
      throw error
    }
  })
}
