/** The largest manifest, index or config that we read, in bytes; registries must take 4 MiB manifests at least. */
export const MAX_DOCUMENT_BYTES = 8 * 1024 * 1024
