import * as z from 'zod/mini'
import type { Recipe } from '../build/recipe.ts'
import { ShaleError } from '../error.ts'
import { digestSchema } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { checked, parseJson } from '../oci/manifest.ts'
import type { Origin } from '../store/origins.ts'
import type { Store } from '../store/types.ts'

const texts = z.record(z.string(), z.string())
const list = z.array(z.string())

const schema: z.ZodMiniType<Recipe> = z.object({
  context: z.optional(z.string()),
  commit: z.optional(z.string().check(z.regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/))),
  dockerfile: z.optional(z.string()),
  dockerfileText: z.optional(z.string()),
  contexts: z.optional(texts),
  buildArgs: z.optional(texts),
  labels: z.optional(texts),
  describe: z.optional(z.boolean()),
  target: z.optional(z.string()),
  platforms: z.array(z.string()).check(z.minLength(1)),
  network: z.optional(z.enum(['host', 'none'])),
  addHosts: z.optional(list),
  allow: z.optional(z.array(z.enum(['network.host', 'security.insecure']))),
  secrets: z.optional(list),
  ssh: z.optional(list),
  compression: z.optional(z.enum(['gzip', 'zstd', 'none'])),
  compressionLevel: z.optional(z.int()),
  sourceDateEpoch: z.optional(z.int()),
  contextModes: z.optional(z.enum(['keep', 'git'])),
  reproducible: z.optional(z.boolean()),
  images: z.record(z.string(), digestSchema),
})

/** How an image of the store was built. Throws `NO_RECIPE` when the store does not know it. */
export function storedRecipe(
  store: Store,
  id: Digest,
  name: string,
): { readonly origin: Origin; readonly recipe: Recipe } {
  const origin = store.origins.get(id)
  if (origin?.recipe === undefined) {
    const why = origin === undefined ? 'it was not built here' : `it was built by ${origin.builder}, which noted none`
    throw new ShaleError('NO_RECIPE', `there is no record of how ${name} was built: ${why}`, {
      hint: 'build it again in this store; the two IDs tell whether it is the same',
    })
  }
  return { origin, recipe: checked(schema, parseJson(Buffer.from(origin.recipe), 'recipe'), 'recipe') }
}
