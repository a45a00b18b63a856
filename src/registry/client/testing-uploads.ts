import type { IncomingMessage, ServerResponse } from 'node:http'
import { sha256 } from '../../oci/digest.ts'

/** What of the upload protocol a fake registry can. */
export interface UploadTraits {
  /** Without PATCH and status: only whole uploads. */
  readonly chunked: boolean
}

interface Session {
  readonly chunks: Buffer[]
  size: number
}

/** Upload sessions in memory: bytes that have come are kept when the connection is cut, as distribution does. */
export class FakeUploads {
  readonly sessions = new Map<string, Session>()
  readonly #blobs: Map<string, Buffer>
  traits: UploadTraits = { chunked: true }
  #last = 0

  constructor(blobs: Map<string, Buffer>) {
    this.#blobs = blobs
  }

  async answer(request: IncomingMessage, response: ServerResponse, repository: string, url: URL): Promise<void> {
    if (request.method === 'POST') return await this.#open(request, response, repository, url)
    const id = url.pathname.split('/').at(-1) ?? ''
    const held = this.sessions.get(id)
    if (held === undefined) return refuse(response, 404, 'BLOB_UPLOAD_UNKNOWN')
    const location = `/v2/${repository}/blobs/uploads/${id}?_state=${held.size}%2Fb`
    if (request.method === 'PUT') return await this.#finish(request, response, { repository, url, id })
    if (!this.traits.chunked) return refuse(response, 405, 'UNSUPPORTED')
    if (request.method === 'PATCH') {
      const [, start] = /^(\d+)-/.exec(request.headers['content-range'] ?? '') ?? []
      if (start !== undefined && Number(start) !== held.size) return refuse(response, 416, 'RANGE_INVALID')
      if (!(await this.#take(request, id))) return
    }
    const size = this.sessions.get(id)?.size ?? 0
    const status = request.method === 'PATCH' ? 202 : 204
    response.writeHead(status, { location, range: `0-${Math.max(size - 1, 0)}` }).end()
  }

  async #open(request: IncomingMessage, response: ServerResponse, repository: string, url: URL): Promise<void> {
    request.resume()
    const mount = url.searchParams.get('mount')
    const mounted = this.#blobs.get(`${url.searchParams.get('from')}@${mount}`)
    if (mounted !== undefined) {
      this.#blobs.set(`${repository}@${mount}`, mounted)
      response.writeHead(201).end()
      return
    }
    const id = String(++this.#last)
    this.sessions.set(id, { chunks: [], size: 0 })
    response.writeHead(202, { location: `/v2/${repository}/blobs/uploads/${id}?_state=a%2Fb` }).end()
  }

  async #finish(
    request: IncomingMessage,
    response: ServerResponse,
    { repository, url, id }: { readonly repository: string; readonly url: URL; readonly id: string },
  ): Promise<void> {
    if (!(await this.#take(request, id))) return
    const bytes = Buffer.concat(this.sessions.get(id)?.chunks ?? [])
    this.sessions.delete(id)
    const digest = url.searchParams.get('digest')
    if (sha256(bytes) !== digest) return refuse(response, 400, 'DIGEST_INVALID')
    this.#blobs.set(`${repository}@${digest}`, bytes)
    response.writeHead(201).end()
  }

  /** False when the connection was cut within the body. */
  async #take(request: IncomingMessage, id: string): Promise<boolean> {
    const session = this.sessions.get(id)
    if (session === undefined) return false
    try {
      for await (const chunk of request) {
        session.chunks.push(chunk as Buffer)
        session.size += (chunk as Buffer).byteLength
      }
      return true
    } catch {
      return false
    }
  }
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ errors: [{ code, message: `${code.toLowerCase()} here` }] }))
}
