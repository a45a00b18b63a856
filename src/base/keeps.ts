import type { ByteString } from '../layer/entry.ts'

const LEFT_OUT =
  /^usr\/share\/(?:man|info|groff|linda|lintian|bug|doc-base)\/|^usr\/share\/locale\/[^/]+\/|^usr\/share\/doc\//
const COPYRIGHT = /^usr\/share\/doc\/[^/]+(?:\/copyright)?$|^usr\/share\/doc\/?$/

/**
 * Whether a file of a package belongs into a small image: manual pages, documentation and translations are left out,
 * copyright files stay. The same that Debian's slim images leave out.
 */
export function isNoDocumentation(path: ByteString): boolean {
  return !LEFT_OUT.test(path) || COPYRIGHT.test(path)
}
