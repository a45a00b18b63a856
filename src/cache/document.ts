import * as z from 'zod/mini'
import { stepKey } from '../build/key.ts'
import type { SharedStep } from '../build/shared-cache.ts'
import { ShaleError } from '../error.ts'
import { digestSchema } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { checked, parseJson } from '../oci/manifest.ts'
import type { BuiltStep } from '../store/types.ts'

/** Of the config of a cache's manifest: what its layers are. */
export const CACHE_CONFIG_TYPE = 'application/vnd.shale.cache.config.v1+json'

/** The layer of a step, as the manifest's layers have it. */
export interface CachedLayer {
  /** Digest of the blob. */
  readonly blob: Digest
  readonly diffId: Digest
  readonly contentId: Digest
  /** What made the blob. */
  readonly packer: string
}

export interface CachedStep extends Omit<SharedStep, 'contentId'> {
  readonly layer?: CachedLayer | undefined
}

/** A cache: recorded steps, and which of them the build that wrote it went through. */
export interface CacheDocument {
  readonly steps: readonly CachedStep[]
  readonly built: readonly BuiltStep[]
}

const text = (most: number) => z.string().check(z.maxLength(most))
const number = z.int().check(z.nonnegative())

const documentSchema = z.object({
  schemaVersion: z.literal(1),
  steps: z
    .array(
      z.object({
        key: digestSchema,
        title: text(1 << 20),
        kind: text(32),
        ingredients: z.array(z.object({ name: text(4096), value: text(1 << 20) })).check(z.maxLength(10_000)),
        createdAt: z.int().check(z.minimum(0), z.maximum(8.64e15)),
        durationMs: number,
        layer: z.optional(
          z.object({
            blob: digestSchema,
            diffId: digestSchema,
            contentId: digestSchema,
            packer: text(100).check(z.regex(/^[\x20-\x7e]+$/)),
          }),
        ),
      }),
    )
    .check(z.maxLength(4096)),
  built: z
    .array(z.object({ stage: text(4096), ordinal: number, title: text(1 << 20), key: digestSchema }))
    .check(z.maxLength(4096)),
})

/** The same steps give the same bytes, in whatever order they came. */
export function encodeCache({ steps, built }: CacheDocument): Buffer {
  const inOrder = [...steps].sort((a, b) => (a.key < b.key ? -1 : 1))
  const stages = [...built].sort((a, b) => (a.stage === b.stage ? a.ordinal - b.ordinal : a.stage < b.stage ? -1 : 1))
  return Buffer.from(JSON.stringify({ schemaVersion: 1, steps: inOrder, built: stages }))
}

/** Throws `INVALID_CACHE_RECORDS`, `INVALID_JSON`, and `CACHE_VERSION` when its keys are made in another way than ours. */
export function decodeCache(raw: Uint8Array): CacheDocument {
  const { steps, built } = checked(documentSchema, parseJson(raw, 'cache records'), 'cache records')
  const other = steps.find(({ key, kind, ingredients }) => stepKey(kind, ingredients) !== key)
  if (other !== undefined) {
    throw new ShaleError('CACHE_VERSION', `the key of ${JSON.stringify(printable(other.title))} is not made as here`, {
      hint: 'another version of Shale wrote it',
    })
  }
  const titled = <T extends { readonly title: string }>(item: T) => ({ ...item, title: printable(item.title) })
  return { steps: steps.map(titled), built: built.map(titled) }
}

/** Titles are shown on terminals. */
function printable(title: string): string {
  return title.replace(/[\p{Cc}]/gu, char => (char === '\n' || char === '\t' ? char : '\ufffd'))
}
