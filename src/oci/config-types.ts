import { MediaType } from './media-types.ts'

/** Media types of a manifest's config by which it is an image. */
export const CONFIG_TYPES: ReadonlySet<string> = new Set([MediaType.ociConfig, MediaType.dockerConfig])
