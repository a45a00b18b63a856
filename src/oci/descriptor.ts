import { z } from 'zod'
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
  variant: z.string().optional(),
  'os.version': z.string().optional(),
})

export const descriptorSchema = z.looseObject({
  mediaType: z.string().max(255),
  digest: digestSchema,
  size: z.number().int().nonnegative(),
  platform: platformSchema.optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  artifactType: z.string().max(255).optional(),
  urls: z.array(z.string()).optional(),
})
