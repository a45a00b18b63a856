import { readFileSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import type { BuildOptions } from '../build/options.ts'
import type { Recipe } from '../build/recipe.ts'
import { ShaleError } from '../error.ts'
import { parsePlatform } from '../oci/platform.ts'
import { commitAddress } from '../remote/git-folder.ts'
import { parseGitUrl } from '../remote/git-url.ts'

/** What a rebuild needs besides the recipe: secrets, and places that are elsewhere now. */
export interface RebuildGiven {
  /** In place of the recorded context, as `BuildOptions.context`. */
  readonly context?: string | undefined
  /** In place of recorded ones of the same names. */
  readonly contexts?: BuildOptions['contexts']
  readonly secrets?: BuildOptions['secrets']
  readonly ssh?: BuildOptions['ssh']
}

/** Options that build by a recipe. Throws `NO_CONTEXT` when there is nothing to build from. */
export async function rebuildOptions(recipe: Recipe, given: RebuildGiven): Promise<BuildOptions> {
  const { images: _, platforms, secrets: __, ssh: ___, commit: ____, reproducible: _____, ...options } = recipe
  const context = given.context ?? (await recordedContext(recipe))
  return {
    ...options,
    ...dockerfileFor(context, recipe),
    context,
    contexts: { ...recipe.contexts, ...given.contexts },
    secrets: given.secrets,
    ssh: given.ssh,
    platforms: platforms.map(parsePlatform),
  }
}

/** The commit that it was, when it was one and that can be had; else the place as it is now. */
async function recordedContext({ context, commit, dockerfileText }: Recipe): Promise<string> {
  if (context === undefined && dockerfileText !== undefined) return '-'
  if (context === undefined) {
    throw new ShaleError('NO_CONTEXT', 'the context of the build came from the standard input', {
      hint: 'unpack it and name the folder: shale verify-rebuild IMAGE FOLDER',
    })
  }
  if (commit === undefined) return context
  const source = parseGitUrl(context)
  if (source === undefined) return (await commitAddress(context, commit)) ?? context
  return `${source.shown}#${commit}${source.subdir === undefined ? '' : `:${source.subdir}`}`
}

/** What is fetched has no files of this machine: a Dockerfile that is outside is read here. */
function dockerfileFor(context: string, { dockerfile }: Recipe): Pick<BuildOptions, 'dockerfile' | 'dockerfileText'> {
  if (dockerfile === undefined || !isAbsolute(dockerfile) || parseGitUrl(context) === undefined) return {}
  return { dockerfile: undefined, dockerfileText: readFileSync(dockerfile, 'utf8') }
}
