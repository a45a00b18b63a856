import { planRelease, type Release } from '../release/release.ts'
import type { Context } from './command.ts'

export interface ReleaseInput {
  readonly folder: string
  readonly images: readonly string[]
  readonly allowDirty: boolean
}

/** Plans a release with the process' environment; the store is opened only when builds are to be counted. */
export async function releasePlan(context: Context, { folder, images, allowDirty }: ReleaseInput): Promise<Release> {
  const release = await planRelease({
    folder,
    images,
    allowDirty,
    env: context.env,
    count: async (repositories, day, revision) => {
      const { countedBuildId } = await import('../release/build-id.ts')
      return countedBuildId(await context.store(), repositories, day, revision)
    },
  })
  for (const note of release.notes) context.err.write(`note: ${note}\n`)
  return release
}
