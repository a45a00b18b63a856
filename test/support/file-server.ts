import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A file as a server gives it out. */
export interface ServedFile {
  readonly content: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
  /** 200 if absent. */
  readonly status?: number
  /** The connection is cut after half of the content. */
  readonly cut?: boolean
}

export interface FileServer {
  /** `http://127.0.0.1:PORT` */
  readonly url: string
  /** What is under a path; may be changed. */
  readonly files: Map<string, ServedFile>
  /** `GET /path 200`, in order. */
  readonly log: string[]
  close(): Promise<void>
}

/** A web server on loopback with these files; answers If-None-Match and If-Modified-Since as servers do. */
export async function fileServer(files: Readonly<Record<string, ServedFile>> = {}): Promise<FileServer> {
  const served = new Map(Object.entries(files))
  const log: string[] = []
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://x').pathname
    respond(served.get(path), request, response)
    log.push(`${request.method} ${path} ${response.statusCode}`)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    ...{ url: `http://127.0.0.1:${port}`, files: served, log },
    close: () =>
      new Promise(resolve => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

function respond(file: ServedFile | undefined, request: IncomingMessage, response: ServerResponse): void {
  if (file === undefined) return void response.writeHead(404).end()
  const { headers = {}, status = 200, content, cut } = file
  const { etag, 'last-modified': modified } = headers
  const match = request.headers['if-none-match']
  const since = request.headers['if-modified-since']
  const unchanged = match === undefined ? since !== undefined && since === modified : match === etag
  if (unchanged) return void response.writeHead(304, headers).end()
  const bytes = Buffer.from(content)
  response.writeHead(status, { ...headers, 'content-length': bytes.byteLength })
  if (!cut) return void response.end(bytes)
  response.write(bytes.subarray(0, bytes.byteLength / 2), () => response.destroy())
}
