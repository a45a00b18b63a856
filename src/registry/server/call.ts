import type { RegistryRequest, RegistryResponse } from './http/message.ts'
import type { Registry } from './registry.ts'

/** A request that a route has matched and that may be done. */
export interface Call {
  readonly registry: Registry
  readonly request: RegistryRequest
  /** A valid name; empty for routes without one. */
  readonly repository: string
  /** What follows it: a tag or digest, an upload's ID. Not yet looked at. */
  readonly target: string
  readonly user: string | undefined
}

export type Handle = (call: Call) => Promise<RegistryResponse>

export function queryOf({ request }: Call): URLSearchParams {
  return new URLSearchParams(request.query)
}
