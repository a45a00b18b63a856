import { changeConfig } from '../build/config-change.ts'
import { type ExportedImage, putImage } from '../build/export.ts'
import { LayerBlobs } from '../build/layer-blobs.ts'
import type { ChainLayer } from '../build/stage-state.ts'
import type { ExecutionConfig } from '../oci/image-config.ts'
import { ownLayer } from './own-layer.ts'
import type { ContainerTools } from './with-container.ts'

export interface CommitOptions {
  /** Whole names of the new image. */
  readonly names: readonly string[]
  readonly author?: string | undefined
  readonly message?: string | undefined
  /** Lines of a Dockerfile that say how to run it. */
  readonly changes: readonly string[]
}

/**
 * Makes an image of the container: its own image with what it has written on top, and with the command, variables and
 * labels that it was given. One that runs is not halted meanwhile, so files that are just being written are as they are.
 */
export async function commitContainer(tools: ContainerTools, commit: CommitOptions): Promise<ExportedImage['digest']> {
  const { store, image, layers, worker, lease, options } = tools
  const { state } = image
  const config = changeConfig({ ...state, config: configOf(tools) }, commit.changes)
  const record = await ownLayer(tools)
  const chain: readonly ChainLayer[] = [...state.layers, { record, imported: false, times: 'keep' }]
  const blobs = new LayerBlobs({ store, lease, layers, worker: async () => worker }, { compression: 'zstd' })
  try {
    const packed = await Promise.all(chain.map((_, index) => blobs.of(chain, index)))
    const created = new Date().toISOString()
    const { os, architecture, variant } = state.platform
    const line = {
      created,
      created_by: [...options.entrypoint, ...options.command].join(' '),
      ...(commit.author !== undefined && { author: commit.author }),
      ...(commit.message !== undefined && { comment: commit.message }),
    }
    const author = commit.author ?? state.author
    const { digest } = await putImage({ store, lease, register: true }, packed, {
      created,
      architecture,
      os,
      ...(variant !== undefined && { variant }),
      ...(author !== undefined && { author }),
      config,
      history: [...state.history, line],
    })
    store.images.tagAll(commit.names, digest, 'commit')
    return digest
  } finally {
    await blobs.close()
  }
}

function configOf({ image, options }: ContainerTools): ExecutionConfig {
  return {
    ...image.state.config,
    Entrypoint: options.entrypoint.length > 0 ? options.entrypoint : undefined,
    Cmd: options.command.length > 0 ? options.command : undefined,
    Env: options.env,
    WorkingDir: options.workdir,
    User: options.user === '' ? undefined : options.user,
    Labels: options.labels,
    StopSignal: image.state.config.StopSignal === undefined ? undefined : options.stopSignal,
  }
}
