import { ShaleError } from '../error.ts'
import type { PackageFacts } from './package-files.ts'

/**
 * Name and version of a Maven project: its own, else its parent's; `${revision}` and the like are looked up in its
 * properties. What only Maven could work out (profiles, properties of the parent) is left out.
 * Source: Maven's POM reference, "Maven Coordinates" and "CI friendly versions".
 */
export function readPom(text: string): PackageFacts {
  const fields = fieldsOf(text)
  const version = fields.get('project/version') ?? fields.get('project/parent/version')
  return {
    name: resolved(fields.get('project/artifactId'), fields),
    version: resolved(version, fields),
  }
}

const DEEPEST = 64
const ROUNDS = 5

function resolved(value: string | undefined, fields: ReadonlyMap<string, string>): string | undefined {
  let text = value
  for (let round = 0; round < ROUNDS && text?.includes('${'); round++) {
    text = text.replaceAll(/\$\{([^}]*)\}/g, (whole, name: string) => property(name, fields) ?? whole)
  }
  return text === undefined || text === '' || text.includes('${') ? undefined : text
}

function property(name: string, fields: ReadonlyMap<string, string>): string | undefined {
  const own = fields.get(`project/properties/${name}`)
  if (own !== undefined) return own
  return name.startsWith('project.') ? fields.get(name.replaceAll('.', '/')) : undefined
}

/** The text of elements that have no elements in them, by path; the first of a path counts. */
function fieldsOf(xml: string): ReadonlyMap<string, string> {
  const text = xml.replaceAll(/<!--.*?-->|<\?.*?\?>|<!\[CDATA\[.*?\]\]>/gs, '')
  const fields = new Map<string, string>()
  const path: string[] = []
  /** Where the text of the element that was just opened begins. */
  let opened: number | undefined
  for (const match of text.matchAll(/<(\/?)([\w.:-]+)(?:\s[^<>]*?)?(\/?)>/g)) {
    const [tag, closing, name = '', empty] = match
    if (closing === '/') {
      const key = path.join('/')
      if (opened !== undefined && !fields.has(key)) fields.set(key, decoded(text.slice(opened, match.index).trim()))
      path.pop()
    } else if (empty === '') path.push(name)
    if (path.length > DEEPEST) throw new ShaleError('INVALID_PACKAGE_FILE', 'pom.xml has elements nested too deep')
    opened = closing === '' && empty === '' ? match.index + tag.length : undefined
  }
  return fields
}

function decoded(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&')
}
