import { statSync } from 'node:fs'
import { ShaleError } from '../error.ts'
import type { buildFlags } from './build-flags.ts'
import type { Context, Input } from './command.ts'
import { releasePlan } from './release-plan.ts'

/** What `--release` adds to a build. */
export interface BuildRelease {
  readonly tags: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly describe: true
  readonly revision: string | undefined
}

/**
 * Names and labels of a build with `--release`, undefined without it. A `-t` without a tag names a repository to release
 * in; one with a tag is one more name.
 */
export async function buildRelease(
  context: Context,
  { args, flags }: Input<typeof buildFlags>,
): Promise<BuildRelease | undefined> {
  const [folder = '.'] = args
  if (!flags.release) {
    if (flags.allowDirty) throw new ShaleError('USELESS_FLAG', '--allow-dirty is of use with --release only')
    return undefined
  }
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new ShaleError('NO_CONTEXT', '--release needs the folder of the project, and the context is none', {
      hint: 'name the folder: shale build --release -f - . < Dockerfile',
    })
  }
  const isTagged = (name: string) => name.lastIndexOf(':') > name.lastIndexOf('/')
  const images = flags.tag.filter(name => !isTagged(name))
  const { names, labels, revision } = await releasePlan(context, { folder, images, allowDirty: flags.allowDirty })
  return { tags: [...names, ...flags.tag.filter(isTagged)], labels, describe: true, revision }
}
