/** Takes the bytes of an output in order. */
export type Sink = (chunk: Uint8Array) => void | Promise<void>

/** Where an archive goes: a path, or whatever takes its bytes. */
export type Destination = string | Sink

/** What becomes of what was built. */
export type Output =
  /** The image in the store, under these names besides the build's own. */
  | { readonly type: 'image'; readonly names: readonly string[] }
  /** The files of the last stage, into a folder. */
  | { readonly type: 'local'; readonly folder: string }
  /** The files of the last stage, as a tar. */
  | { readonly type: 'tar'; readonly to: Destination }
  /** The image as an OCI archive, for all its platforms. */
  | { readonly type: 'oci'; readonly to: Destination; readonly names: readonly string[] }
  /** The image as an OCI layout. */
  | { readonly type: 'oci-layout'; readonly folder: string; readonly names: readonly string[] }
  /** The image as a docker-archive, for one platform. */
  | { readonly type: 'docker'; readonly to: Destination; readonly names: readonly string[] }
  /** Nothing but what the cache keeps. */
  | { readonly type: 'cacheonly' }

/** True for outputs that are made of an image, not of files. */
export function needsImage({ type }: Output): boolean {
  return type === 'image' || type === 'oci' || type === 'oci-layout' || type === 'docker'
}

/** What was written, for people; undefined for what went into the store or to a sink. */
export function writtenPath(output: Output): string | undefined {
  if (output.type === 'local' || output.type === 'oci-layout') return output.folder
  if (output.type === 'image' || output.type === 'cacheonly') return undefined
  return typeof output.to === 'string' ? output.to : undefined
}
