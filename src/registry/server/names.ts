const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*'
const NAME = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`)
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/
const MAX_NAME = 255

/** A repository's name. Source: distribution-spec 1.1, "Pulling manifests". */
export function isRepositoryName(text: string): boolean {
  return text.length <= MAX_NAME && NAME.test(text)
}

/** A tag. Source: as above. */
export function isTag(text: string): boolean {
  return TAG.test(text)
}
