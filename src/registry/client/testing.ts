import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { sha256 } from '../../oci/digest.ts'
import { indexOf, type TestImage } from '../../transfer/testing.ts'
import { FakeUploads } from './testing-uploads.ts'

/** Sees a request first; true when it has answered it. */
export type Intercept = (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>

/** A registry in memory, plain HTTP or with TLS, with just enough of the protocol to tell good clients from bad ones. */
export interface FakeRegistry {
  /** `127.0.0.1:port`, as in image names. */
  readonly host: string
  /** `METHOD path`, in order. */
  readonly requests: string[]
  readonly manifests: Map<string, { readonly mediaType: string; readonly raw: Buffer }>
  readonly blobs: Map<string, Buffer>
  readonly uploads: FakeUploads
  intercept: Intercept | undefined
  addImage(repository: string, tag: string | undefined, image: TestImage): void
  addIndex(repository: string, tag: string, images: readonly TestImage[]): string
}

export async function fakeRegistry(t: TestContext, tls?: ServerOptions): Promise<FakeRegistry> {
  const manifests: FakeRegistry['manifests'] = new Map()
  const blobs: FakeRegistry['blobs'] = new Map()
  const requests: string[] = []
  const registry: FakeRegistry = {
    host: '',
    requests,
    manifests,
    blobs,
    uploads: new FakeUploads(blobs),
    intercept: undefined,
    addImage(repository, tag, image) {
      const stored = { mediaType: image.mediaType, raw: image.manifest }
      manifests.set(`${repository}@${image.digest}`, stored)
      if (tag !== undefined) manifests.set(`${repository}@${tag}`, stored)
      for (const [digest, bytes] of image.blobs) blobs.set(`${repository}@${digest}`, bytes)
    },
    addIndex(repository, tag, images) {
      for (const image of images) this.addImage(repository, undefined, image)
      const { raw, digest } = indexOf(images)
      const stored = { mediaType: 'application/vnd.oci.image.index.v1+json', raw }
      manifests.set(`${repository}@${digest}`, stored).set(`${repository}@${tag}`, stored)
      return digest
    },
  }
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    requests.push(`${request.method} ${request.url}`)
    if (await registry.intercept?.(request, response)) return
    await answer(registry, request, response)
  }
  return Object.assign(registry, { host: await listen(t, handle, tls) })
}

/** An HTTP server on loopback, with TLS if told how, until the test ends; gives its `host:port`. */
export async function listen(
  t: TestContext,
  handler: (request: IncomingMessage, response: ServerResponse) => unknown,
  tls?: ServerOptions,
): Promise<string> {
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    Promise.resolve()
      .then(() => handler(request, response))
      .catch(() => response.destroy())
  }
  const server = tls === undefined ? createServer(handle) : createTlsServer(tls, handle)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export function sendError(response: ServerResponse, status: number, code: string): true {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ errors: [{ code, message: `${code.toLowerCase()} here` }] }))
  return true
}

async function answer(registry: FakeRegistry, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://registry')
  if (url.pathname === '/v2/') return void response.end('{}')
  if (url.pathname === '/v2/_catalog') return catalog(registry, response, url)
  const [, repository = '', kind, rest = ''] = /^\/v2\/(.+?)\/(manifests|blobs|tags)\/(.*)$/.exec(url.pathname) ?? []
  const key = `${repository}@${rest}`
  if (kind === 'manifests') return await manifest(registry, request, response, repository, key)
  if (kind === 'blobs' && rest.startsWith('uploads/')) {
    return await registry.uploads.answer(request, response, repository, url)
  }
  if (kind === 'blobs') return blob(registry, request, response, key)
  const tags = [...registry.manifests.keys()].flatMap(name => {
    const [owner, tag = ''] = name.split('@')
    return owner === repository && !tag.startsWith('sha256:') ? [tag] : []
  })
  if (tags.length > 0) response.end(JSON.stringify({ name: repository, tags }))
  else sendError(response, 404, 'NAME_UNKNOWN')
}

/** Two names on a page. */
function catalog(registry: FakeRegistry, response: ServerResponse, url: URL): void {
  const names = [...new Set([...registry.manifests.keys()].map(key => key.split('@')[0] ?? ''))].toSorted()
  const rest = names.filter(name => name > (url.searchParams.get('last') ?? ''))
  const repositories = rest.slice(0, 2)
  if (rest.length > 2) response.setHeader('link', `</v2/_catalog?n=2&last=${repositories[1]}>; rel="next"`)
  response.end(JSON.stringify({ repositories }))
}

async function manifest(
  registry: FakeRegistry,
  request: IncomingMessage,
  response: ServerResponse,
  repository: string,
  key: string,
): Promise<void> {
  if (request.method === 'PUT') {
    const stored = { mediaType: request.headers['content-type'] ?? '', raw: await bodyOf(request) }
    registry.manifests.set(key, stored).set(`${repository}@${sha256(stored.raw)}`, stored)
    response.writeHead(201, { 'docker-content-digest': sha256(stored.raw) }).end()
    return
  }
  const found = registry.manifests.get(key)
  if (found === undefined) return void sendError(response, 404, 'MANIFEST_UNKNOWN')
  if (request.method === 'DELETE') {
    if (key.includes('@sha256:')) {
      const all = [...registry.manifests].filter(
        ([name, other]) => other.raw.equals(found.raw) && name.startsWith(`${repository}@`),
      )
      for (const [name] of all) registry.manifests.delete(name)
    } else registry.manifests.delete(key)
    return void response.writeHead(202).end()
  }
  response.writeHead(200, {
    'content-type': found.mediaType,
    'content-length': found.raw.byteLength,
    'docker-content-digest': sha256(found.raw),
  })
  response.end(request.method === 'HEAD' ? undefined : found.raw)
}

function blob(registry: FakeRegistry, request: IncomingMessage, response: ServerResponse, key: string): void {
  const found = registry.blobs.get(key)
  if (found === undefined) return void sendError(response, 404, 'BLOB_UNKNOWN')
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
  const range = { 'content-range': `bytes ${start}-${found.byteLength - 1}/${found.byteLength}` }
  response.writeHead(start > 0 ? 206 : 200, {
    'content-length': found.byteLength - start,
    ...(start > 0 && range),
  })
  response.end(request.method === 'HEAD' ? undefined : found.subarray(start))
}
