/** Token scopes. Source: distribution's "Token Scope Documentation". */
export function pullScope(repository: string): readonly string[] {
  return [`repository:${repository}:pull`]
}

/** `from`: a second repository that a blob is to be mounted from. */
export function pushScope(repository: string, from?: string): readonly string[] {
  const own = `repository:${repository}:pull,push`
  return from === undefined ? [own] : [own, ...pullScope(from)]
}

export function deleteScope(repository: string): readonly string[] {
  return [`repository:${repository}:pull,delete`]
}

/** For the list of all repositories. */
export const CATALOG_SCOPE: readonly string[] = ['registry:catalog:*']
