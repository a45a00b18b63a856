import type { Call } from './call.ts'
import { type Handler, type RegistryRequest, type RegistryResponse, refusal } from './http/message.ts'
import { isRepositoryName } from './names.ts'
import type { Registry } from './registry.ts'
import { type Operation, ROUTES, type Route } from './routes.ts'

/** Lets a request through, as whom, or says what to answer. */
export type Authorize = (
  request: RegistryRequest,
  operation: Operation,
  repository: string,
) => Promise<Admitted> | Admitted

export type Admitted = { readonly user: string | undefined } | RegistryResponse

export interface Routed {
  readonly route: Route
  readonly repository: string
  readonly target: string
}

/** Finds the route of a path; undefined when there is none. */
export function routeOf(path: string): Routed | undefined {
  const decoded = path.includes('%') ? decode(path) : path
  if (decoded === undefined) return undefined
  for (const route of ROUTES) {
    const match = route.path.exec(decoded)
    if (match !== null) return { route, repository: match[1] ?? '', target: match[2] ?? '' }
  }
  return undefined
}

function decode(path: string): string | undefined {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}

/** The registry as one function from request to response. What a handler throws is the caller's. */
export function registryHandler(registry: Registry, authorize: Authorize): Handler {
  return async request => {
    const routed = routeOf(request.path)
    if (routed === undefined) return refusal(404, { code: 'UNSUPPORTED', message: 'there is nothing at this path' })
    const { route, repository, target } = routed
    request.trace.route = route.name
    const operation = route.methods[request.method]
    if (operation === undefined) return wrongMethod(route)
    if (repository !== '' && !isRepositoryName(repository)) return badName(repository)
    const admitted = await authorize(request, operation, repository)
    if ('status' in admitted) return admitted
    request.trace.user = admitted.user
    const call: Call = { registry, request, repository, target, user: admitted.user }
    return await operation.handle(call)
  }
}

function wrongMethod({ methods }: Route): RegistryResponse {
  const allowed = Object.keys(methods).join(', ')
  return refusal(405, { code: 'UNSUPPORTED', message: `only ${allowed} here` }, { Allow: allowed })
}

function badName(name: string): RegistryResponse {
  const message = 'repository names are lower-case words of letters and digits with single separators between them'
  return refusal(400, { code: 'NAME_INVALID', message, detail: { name: name.slice(0, 300) } })
}
