import { createHash } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import type { IncomingHttpHeaders } from 'node:http'
import { basename } from 'node:path'
import { ShaleError, writing } from '../error.ts'
import { maxLayerSize } from '../layer/size-limit.ts'
import type { Digest } from '../oci/digest.ts'
import { compose, discard, displayUrl, type HttpResponse } from '../registry/client/http.ts'
import { followRedirects } from '../registry/client/redirect.ts'
import { retry } from '../registry/client/retry.ts'
import { createWire } from '../registry/client/wire.ts'
import { VERSION } from '../version.ts'

/** What a server said of a file, to ask later whether it is still that. */
export interface Validators {
  readonly etag?: string | undefined
  readonly lastModified?: string | undefined
}

export interface Downloaded extends Validators {
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
  /** The name that the server gives it (Content-Disposition), one path component. */
  readonly name?: string | undefined
}

export interface DownloadRequest {
  readonly url: URL
  /** Where the file is written, which must not exist. */
  readonly path: string
  /** Those of the file that is there already: then the answer may be that it is unchanged. */
  readonly known?: Validators | undefined
  /** Where proxies and SHALE_OFFLINE are looked up. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal?: AbortSignal | undefined
}

/**
 * Fetches a file by HTTP(S), through the proxy of the environment, following redirects, never from HTTPS to HTTP. Gives
 * undefined when it is what is known. Nothing stays at `path` after an error. Throws `DOWNLOAD_FAILED`, `OFFLINE`,
 * `DOWNLOAD_TOO_LARGE` beyond the limit of `maxLayerSize`.
 */
export async function download(request: DownloadRequest): Promise<Downloaded | undefined> {
  const { url, known, env } = request
  refuseOffline(url, env)
  const wire = createWire({ env, userAgent: `shale/${VERSION}` })
  try {
    const response = await fetchFile(request, compose(wire.send, retry({ attempts: 4 }), followRedirects))
    if (response.status === 304 && known !== undefined) {
      discard(response)
      return undefined
    }
    if (response.status !== 200) {
      discard(response)
      throw new ShaleError(
        'DOWNLOAD_FAILED',
        `cannot download ${displayUrl(url)}: the server says ${response.status}`,
        {
          hint: response.status === 401 || response.status === 403 ? 'it wants a login' : undefined,
        },
      )
    }
    return { ...(await writeBody(response, request)), ...described(response.headers) }
  } finally {
    wire.close()
  }
}

async function fetchFile({ url, known, signal }: DownloadRequest, send: ReturnType<typeof compose>) {
  const { username, password } = url
  const bare = new URL(url)
  bare.username = ''
  bare.password = ''
  bare.hash = ''
  const login = username === '' ? undefined : `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  const headers = {
    // What is fetched is the file, not a compressed form of it.
    'accept-encoding': 'identity',
    ...(known?.etag !== undefined && { 'if-none-match': known.etag }),
    ...(known?.etag === undefined && known?.lastModified !== undefined && { 'if-modified-since': known.lastModified }),
    ...(login !== undefined && { authorization: `Basic ${Buffer.from(login).toString('base64')}` }),
  }
  try {
    return await send({ method: 'GET', url: bare, headers, signal })
  } catch (error) {
    if (!(error instanceof ShaleError)) throw error
    const hint = error.code === 'REGISTRY_CERTIFICATE' ? 'add its authority to the machine’s certificates' : undefined
    const message = `cannot download ${displayUrl(url)}: ${error.message.replace(/^cannot reach \S+: /, '')}`
    throw new ShaleError('DOWNLOAD_FAILED', message, { cause: error, hint })
  }
}

async function writeBody(response: HttpResponse, { path, url }: DownloadRequest) {
  const limit = maxLayerSize()
  const hash = createHash('sha256')
  const file = await open(path, 'wx', 0o600)
  let size = 0
  try {
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      size += chunk.byteLength
      if (size > limit) {
        throw new ShaleError('DOWNLOAD_TOO_LARGE', `${displayUrl(url)} has more than ${limit} bytes`, {
          hint: 'set SHALE_MAX_LAYER_SIZE, such as 200g, if it is meant to be that large',
        })
      }
      hash.update(chunk)
      await writing(path, () => file.writeFile(chunk))
    }
    await file.close()
    return { size, digest: `sha256:${hash.digest('hex')}` as const }
  } catch (error) {
    await file.close().catch(() => undefined)
    await rm(path, { force: true })
    if (error instanceof ShaleError || !(error instanceof Error) || !/aborted|reset/i.test(error.message)) throw error
    throw new ShaleError('DOWNLOAD_FAILED', `the download of ${displayUrl(url)} was cut after ${size} bytes`, {
      cause: error,
    })
  }
}

function described(headers: IncomingHttpHeaders): Validators & { readonly name?: string | undefined } {
  const { etag } = headers
  const lastModified = headers['last-modified']
  return { etag, lastModified, name: nameIn(headers['content-disposition']) }
}

/** The last component of the name only: a server has no say in where files go. */
function nameIn(disposition: string | undefined): string | undefined {
  const quoted = /;\s*filename="((?:[^"\\]|\\.)*)"/i.exec(disposition ?? '')?.[1]?.replace(/\\(.)/g, '$1')
  const name = basename(quoted ?? /;\s*filename=([^;\s"]+)/i.exec(disposition ?? '')?.[1] ?? '')
  return name === '' || name === '.' || name === '..' || /[\0-\x1f]/.test(name) ? undefined : name
}

function refuseOffline(url: URL, env: DownloadRequest['env']): void {
  if (!/^(?:1|true|yes)$/i.test(env.SHALE_OFFLINE ?? '')) return
  throw new ShaleError('OFFLINE', `cannot download ${displayUrl(url)}: --offline keeps from using the network`)
}
