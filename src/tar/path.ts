import { ShaleError } from '../error.ts'
import type { ByteString } from './header.ts'

const MAX_PATH = 4095
const MAX_COMPONENT = 255

/** The common case, checked by one expression: no empty, `.` or `..` component, no NUL. */
const CLEAN = /^(?!\.{1,2}(?:\/|$))[^/\0]+(?:\/(?!\.{1,2}(?:\/|$))[^/\0]+)*$/

/**
 * A member's path relative to the root, without `.` components, doubled or outer slashes; the root itself is `''`.
 * Throws `TAR_PATH_ESCAPES` for `..` and `TAR_PATH_INVALID` for NULs, components above 255 and paths above 4,095 bytes.
 */
export function cleanMemberPath(path: ByteString): ByteString {
  if (path.length > MAX_PATH + 16) throw invalid(path, `it has ${path.length} bytes, more than ${MAX_PATH}`)
  if (path.length <= MAX_COMPONENT && CLEAN.test(path)) return path
  if (path.includes('\0')) throw invalid(path, 'it has a NUL')
  const components = path.split('/').filter(component => component !== '' && component !== '.')
  for (const component of components) {
    if (component === '..') {
      throw new ShaleError('TAR_PATH_ESCAPES', `tar member ${show(path)} leads out of the archive's root`, {
        hint: 'the archive is hostile or badly made; nothing is written for it',
      })
    }
    if (component.length > MAX_COMPONENT) throw invalid(path, `a component is longer than ${MAX_COMPONENT} bytes`)
  }
  const clean = components.join('/')
  if (clean.length > MAX_PATH) throw invalid(path, `it has ${clean.length} bytes, more than ${MAX_PATH}`)
  return clean
}

function invalid(path: ByteString, why: string): ShaleError {
  return new ShaleError('TAR_PATH_INVALID', `tar member ${show(path)} has an impossible path: ${why}`)
}

function show(path: ByteString): string {
  const text = Buffer.from(path.slice(0, 200), 'latin1').toString('utf8')
  return JSON.stringify(path.length > 200 ? `${text}…` : text)
}
