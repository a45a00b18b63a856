import * as z from 'zod/mini'
import { type Digest, isDigest } from './digest.ts'
import type { Platform } from './platform.ts'

/** Points at content: what it is, its digest, its size in bytes. Source: OCI image-spec v1.1 descriptor.md. */
export interface Descriptor {
  readonly mediaType: string
  readonly digest: Digest
  readonly size: number
  readonly platform?: Platform | undefined
  readonly annotations?: Readonly<Record<string, string>> | undefined
  readonly artifactType?: string | undefined
  readonly urls?: readonly string[] | undefined
}

export const digestSchema = z.custom<Digest>(value => typeof value === 'string' && isDigest(value), 'not a digest')

export const platformSchema = z.looseObject({
  os: z.string(),
  architecture: z.string(),
  variant: z.optional(z.string()),
  'os.version': z.optional(z.string()),
})

export const descriptorSchema = z.looseObject({
  mediaType: z.string().check(z.maxLength(255)),
  digest: digestSchema,
  size: z.int().check(z.nonnegative()),
  platform: z.optional(platformSchema),
  annotations: z.optional(z.record(z.string(), z.string())),
  artifactType: z.optional(z.string().check(z.maxLength(255))),
  urls: z.optional(z.array(z.string())),
})
