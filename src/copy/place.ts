import { nearest } from '../dockerfile/nearest.ts'
import { ShaleError } from '../error.ts'
import { formatReference, parseReference, type Reference } from '../oci/reference.ts'

/** Where an image is, or is to go. */
export type Place =
  | { readonly kind: 'registry'; readonly reference: Reference }
  /** `text`: a name or, of a source, an ID. */
  | { readonly kind: 'name'; readonly text: string }
  | {
      readonly kind: 'oci' | 'oci-archive' | 'docker-archive'
      readonly path: string
      /** Of one image of several. */
      readonly name: string | undefined
    }

const TRANSPORTS = ['docker', 'oci', 'oci-archive', 'docker-archive']
const OTHERS = ['containers-storage', 'docker-daemon', 'dir', 'ostree', 'sif', 'tarball', 'atomic']

/**
 * Reads a place as skopeo's users write it: `docker://NAME`, `oci:PATH[:NAME]`, `oci-archive:PATH[:NAME]`,
 * `docker-archive:PATH[:NAME]`; and, which is ours, a plain name. Throws `INVALID_PLACE`, `INVALID_REFERENCE`.
 */
export function parsePlace(text: string): Place {
  const [, transport = '', rest = ''] = /^([a-z-]+):(.*)$/s.exec(text) ?? []
  if (transport === 'docker' && rest.startsWith('//')) {
    return { kind: 'registry', reference: parseReference(rest.slice(2)) }
  }
  if (transport === 'oci' || transport === 'oci-archive' || transport === 'docker-archive') {
    const [path = '', ...more] = rest.split(':')
    const name = more.join(':')
    if (path === '') throw invalid(text, `${transport}: is followed by a path`)
    return { kind: transport, path, name: name === '' ? undefined : completeName(transport, name) }
  }
  if (OTHERS.includes(transport)) throw invalid(text, `the transport ${transport}: is not supported`)
  if (text.includes('://')) {
    const scheme = text.slice(0, text.indexOf(':'))
    const near = nearest(scheme, TRANSPORTS)
    throw invalid(text, `there is no transport ${JSON.stringify(scheme)}${near ? `, did you mean ${near}?` : ''}`)
  }
  return { kind: 'name', text }
}

/** In a layout a bare word is a tag; everywhere else an image's name is meant. */
function completeName(kind: 'oci' | 'oci-archive' | 'docker-archive', name: string): string {
  if (kind !== 'docker-archive' && !/[/:]/.test(name)) return name
  return formatReference(parseReference(name))
}

function invalid(text: string, why: string): ShaleError {
  return new ShaleError('INVALID_PLACE', `${JSON.stringify(text)}: ${why}`, {
    hint: 'name an image, or docker://NAME, oci:PATH[:NAME], oci-archive:PATH[:NAME] or docker-archive:PATH[:NAME]',
  })
}
