import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { TestContext } from 'node:test'
import { type Digest, sha256 } from '../../oci/digest.ts'
import { MediaType } from '../../oci/media-types.ts'
import { type LocalStore, openStore } from '../../store/open.ts'
import { temporaryFolder } from '../../store/testing.ts'
import { DEFAULT_SETTINGS, type ServerSettings } from './config/settings.ts'
import type { Pace } from './http/pace.ts'
import { createLog } from './observe/log.ts'
import { type RunningRegistry, serveRegistry } from './serve.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface Sent {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array | Readable
}

export type Send = (method: string, path: string, sent?: Sent) => Promise<Answer>

export interface TestServer {
  readonly running: RunningRegistry
  readonly store: LocalStore
  readonly log: () => string
  readonly send: Send
}

/** A registry on a free port with a store of its own; all gone after the test. */
export async function testServer(
  t: TestContext,
  settings: Partial<ServerSettings> = {},
  pace?: Pace,
): Promise<TestServer> {
  const store = openStore({ root: join(temporaryFolder(t), 'store'), durable: true })
  let lines = ''
  const log = createLog('json', text => {
    lines += text
  })
  const running = await serveRegistry(store, { ...DEFAULT_SETTINGS, port: 0, ...settings }, log, pace)
  t.after(async () => {
    await running.stop()
    store.close()
  })
  const flushed = () => {
    log.flush()
    return lines
  }
  return { running, store, log: flushed, send: client(t, running.url) }
}

/** Sends paths as they are, however odd. */
export function client(t: TestContext, url: string): Send {
  const { send, close } = connect(url)
  t.after(close)
  return send
}

/** As `client`, for who closes it. */
export function connect(url: string): { readonly send: Send; readonly close: () => void } {
  const { hostname, port } = new URL(url)
  const agent = new Agent({ keepAlive: true })
  const send: Send = (method, path, { headers, body } = {}) =>
    new Promise((resolve, reject) => {
      const outgoing = request(
        { hostname, port, method, path, agent, headers: { ...lengthOf(body), ...headers } },
        incoming => {
          readAnswer(incoming).then(resolve, reject)
        },
      )
      outgoing.on('error', reject)
      if (isReadable(body)) body.pipe(outgoing)
      else outgoing.end(body)
    })
  return { send, close: () => agent.destroy() }
}

function isReadable(body: Sent['body']): body is Readable {
  return typeof body === 'object' && 'pipe' in body
}

function lengthOf(body: Sent['body']): Readonly<Record<string, number>> {
  return body === undefined || isReadable(body) ? {} : { 'Content-Length': Buffer.byteLength(body) }
}

async function readAnswer(incoming: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk)
  return { status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) }
}

export function jsonOf({ body }: Answer): unknown {
  return JSON.parse(body.toString('utf8'))
}

/** The code of the first error. */
export function codeOf(answer: Answer): string | undefined {
  return (jsonOf(answer) as { errors?: readonly { code: string }[] }).errors?.[0]?.code
}

/** Puts a blob in one request. */
export async function putBlob(send: Send, repository: string, content: string | Uint8Array): Promise<Digest> {
  const digest = sha256(content)
  const { status, body } = await send('POST', `/v2/${repository}/blobs/uploads/?digest=${digest}`, { body: content })
  if (status !== 201) throw new Error(`HTTP ${status}: ${body}`)
  return digest
}

export interface SampleManifest {
  readonly digest: Digest
  readonly text: string
}

/** The text of an image manifest with one layer, both blobs put before. */
export async function sampleManifest(
  send: Send,
  repository: string,
  content: string,
  more: object = {},
): Promise<SampleManifest> {
  const config = '{}'
  const text = JSON.stringify({
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    config: { mediaType: MediaType.ociConfig, digest: await putBlob(send, repository, config), size: 2 },
    layers: [
      { mediaType: MediaType.ociLayerTar, digest: await putBlob(send, repository, content), size: content.length },
    ],
    ...more,
  })
  return { digest: sha256(text), text }
}

export function putManifest(
  send: Send,
  repository: string,
  reference: string,
  text: string,
  type: string = MediaType.ociManifest,
): Promise<Answer> {
  return send('PUT', `/v2/${repository}/manifests/${reference}`, { headers: { 'Content-Type': type }, body: text })
}
