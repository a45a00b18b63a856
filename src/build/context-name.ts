import { ShaleError } from '../error.ts'
import { familiarReference, parseReference } from '../oci/reference.ts'

/** A name that `--build-context` and FROM mean the same by: `alpine` for `docker.io/library/alpine:latest`. */
export function contextName(name: string): string {
  try {
    return familiarReference(parseReference(name.toLowerCase())).replace(/:latest$/, '')
  } catch (error) {
    if (error instanceof ShaleError) return name.toLowerCase()
    throw error
  }
}

/** Named contexts under the names by which they are looked up. */
export function namedContexts(given: Readonly<Record<string, string>> | undefined): ReadonlyMap<string, string> {
  return new Map(Object.entries(given ?? {}).map(([name, value]) => [contextName(name), value]))
}
