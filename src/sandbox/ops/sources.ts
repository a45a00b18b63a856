import { ShaleError } from '../../error.ts'
import type { Content, OpenContent } from '../../layer/content.ts'
import { type ByteString, type FileEntry, fromByteString, toFsPath } from '../../layer/entry.ts'
import type { ContentSource } from '../layer-requests.ts'

/** Finds each file's content in the sources: its own path first, then its directories from the innermost. */
export function contentOf(sources: readonly ContentSource[]): OpenContent {
  const byPrefix = new Map<ByteString, ContentSource>(sources.map(source => [source.prefix, source]))
  return entry => {
    for (let prefix = entry.path; ; prefix = prefix.slice(0, Math.max(0, prefix.lastIndexOf('/')))) {
      const source = byPrefix.get(prefix)
      if (source !== undefined) return content(source, entry)
      if (prefix === '') throw noSource(entry)
    }
  }
}

function content(source: ContentSource, { path }: FileEntry): Content {
  if ('bytes' in source) return source.bytes
  const rest = source.prefix === '' ? `/${path}` : path.slice(source.prefix.length)
  return { path: toFsPath(source.path + rest) }
}

function noSource({ path }: FileEntry): ShaleError {
  return new ShaleError('CONTENT_UNKNOWN', `no source given for the content of /${fromByteString(path)}`)
}
