import type { Authorize } from './handler.ts'
import { empty, type Handler, type RegistryResponse, refusal } from './http/message.ts'
import type { Metrics } from './observe/metrics.ts'

export interface Pages {
  readonly metrics: Metrics
  /** Throws when the registry cannot do its work. */
  readonly check: () => void
}

const ANY = { action: 'any', handle: async () => empty(200) } as const

/** `/healthz` for everybody and `/metrics` for who may use the registry, before everything else. */
export function withPages(next: Handler, { metrics, check }: Pages, authorize: Authorize): Handler {
  return async request => {
    const { path, method, trace } = request
    if (path.startsWith('/v2')) return await next(request)
    if (path !== '/healthz' && path !== '/metrics') return await next(request)
    trace.route = path.slice(1)
    if (method !== 'GET' && method !== 'HEAD') {
      return refusal(405, { code: 'UNSUPPORTED', message: 'only GET and HEAD here' }, { Allow: 'GET, HEAD' })
    }
    if (path === '/healthz') return health(check)
    const admitted = await authorize(request, ANY, '')
    return 'status' in admitted ? admitted : text(200, metrics.render(), 'text/plain; version=0.0.4; charset=utf-8')
  }
}

function health(check: () => void): RegistryResponse {
  try {
    check()
    return text(200, 'ok\n')
  } catch (error) {
    return text(503, `${error instanceof Error ? error.message : String(error)}\n`)
  }
}

function text(status: number, body: string, type = 'text/plain; charset=utf-8'): RegistryResponse {
  return { status, headers: { 'Content-Type': type, 'Content-Length': String(Buffer.byteLength(body)) }, body }
}
