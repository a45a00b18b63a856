import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { copyFile, open, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isErrno, ShaleError, writing } from '../error.ts'
import { compose, discard, displayUrl, type HttpResponse, readBody, type Transport } from '../registry/client/http.ts'
import { followRedirects } from '../registry/client/redirect.ts'
import { retry } from '../registry/client/retry.ts'
import { createWire } from '../registry/client/wire.ts'
import { VERSION } from '../version.ts'

/** A file that is known by its digest. */
export interface KnownFile {
  /** Where it may be had, tried in order. */
  readonly urls: readonly URL[]
  /** Bytes. */
  readonly size: number
  /** Hex. */
  readonly sha256: string
  /** For messages: `package nginx 1.26`. */
  readonly what: string
}

export interface FetchOptions {
  /** A folder for verified files, each under its digest. */
  readonly folder: string
  /** Where proxies and SHALE_OFFLINE are looked up. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Bytes as they arrive. */
  readonly onBytes?: ((count: number) => void) | undefined
}

/** Files from archives over HTTP(S) and from folders of this machine (`file:`). */
export interface Fetcher {
  /** A small document whose digest is not known, at most `limit` bytes; undefined when there is none. */
  document(url: URL, limit: number, signal?: AbortSignal): Promise<Buffer | undefined>
  /** The path of the verified file in the folder. Throws `PACKAGE_FILE_DAMAGED`, `DOWNLOAD_FAILED`, `OFFLINE`. */
  file(wanted: KnownFile, signal?: AbortSignal): Promise<string>
  close(): void
}

/** How often one address is tried again after the connection was cut in the middle. */
const CUTS = 4

export function createFetcher(options: FetchOptions): Fetcher {
  const wire = createWire({ env: options.env, userAgent: `shale/${VERSION}` })
  const send = compose(wire.send, retry({ attempts: 4 }), followRedirects)
  return {
    document: (url, limit, signal) => readDocument({ ...options, send }, url, limit, signal),
    file: (wanted, signal) => fetchFile({ ...options, send }, wanted, signal),
    close: () => wire.close(),
  }
}

interface Fetching extends FetchOptions {
  readonly send: Transport
}

async function readDocument(
  { send, env }: Fetching,
  url: URL,
  limit: number,
  signal: AbortSignal | undefined,
): Promise<Buffer | undefined> {
  if (url.protocol === 'file:') return await readLocal(url, limit)
  refuseOffline(url, env)
  const response = await reach(send, url, {}, signal)
  if (response.status === 404) {
    discard(response)
    return undefined
  }
  if (response.status === 200) return await readBody(response, limit)
  discard(response)
  throw refused(url, response.status)
}

async function readLocal(url: URL, limit: number): Promise<Buffer | undefined> {
  try {
    const file = await open(fileURLToPath(url), 'r')
    try {
      if ((await file.stat()).size > limit) {
        throw new ShaleError('RESPONSE_TOO_LARGE', `${fileURLToPath(url)} has more than ${limit} bytes`)
      }
      return await file.readFile()
    } finally {
      await file.close()
    }
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  }
}

async function fetchFile(fetching: Fetching, wanted: KnownFile, signal: AbortSignal | undefined): Promise<string> {
  const path = join(fetching.folder, wanted.sha256)
  if (await isThere(path, wanted.size)) return path
  // Its own until it is whole: another process may be at the same file.
  const own = `${path}.${randomBytes(6).toString('hex')}`
  const part = `${path}.part`
  await rename(part, own).catch(() => undefined)
  try {
    const failures: unknown[] = []
    for (const url of wanted.urls) {
      try {
        await bring(fetching, { url, own, wanted }, signal)
        await rename(own, path)
        return path
      } catch (error) {
        signal?.throwIfAborted()
        failures.push(error)
      }
    }
    throw failures.length === 1 ? failures[0] : allFailed(wanted, failures)
  } catch (error) {
    await rename(own, part).catch(() => undefined)
    throw error
  }
}

/** A file of the folder was verified before it got its name; one that was cut by a crash has another size. */
async function isThere(path: string, size: number): Promise<boolean> {
  try {
    return (await stat(path)).size === size
  } catch {
    return false
  }
}

interface Bringing {
  readonly url: URL
  readonly own: string
  readonly wanted: KnownFile
}

async function bring(fetching: Fetching, bringing: Bringing, signal: AbortSignal | undefined): Promise<void> {
  const { url, own, wanted } = bringing
  if (url.protocol === 'file:') await copyLocal(bringing)
  else {
    refuseOffline(url, fetching.env)
    for (let cut = 0; !(await downloadRest(fetching, bringing, signal)); cut++) {
      if (cut === CUTS) throw failed(url, `the connection was cut ${CUTS + 1} times`)
    }
  }
  const { size, sha256 } = await measure(own)
  if (size === wanted.size && sha256 === wanted.sha256) return
  await rm(own, { force: true })
  const [got, expected] =
    size === wanted.size ? [`sha256 ${sha256}`, `sha256 ${wanted.sha256}`] : [`${size} bytes`, `${wanted.size} bytes`]
  throw new ShaleError('PACKAGE_FILE_DAMAGED', `${wanted.what} from ${displayUrl(url)} has ${got}, not ${expected}`, {
    hint: 'the mirror is broken or being updated, or somebody changed the file; try again or another mirror',
  })
}

async function copyLocal({ url, own, wanted }: Bringing): Promise<void> {
  try {
    await copyFile(fileURLToPath(url), own)
  } catch (cause) {
    throw failed(url, isErrno(cause, 'ENOENT') ? `${wanted.what} is not there` : (cause as Error).message, cause)
  }
}

/** Appends what is missing; false when the connection was cut on the way. */
async function downloadRest(
  { send, onBytes }: Fetching,
  { url, own, wanted }: Bringing,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const file = await open(own, 'a', 0o644)
  try {
    let { size } = await file.stat()
    if (size >= wanted.size) {
      if (size === wanted.size) return true
      await file.truncate(0)
      size = 0
    }
    const response = await reach(send, url, size > 0 ? { range: `bytes=${size}-` } : {}, signal)
    if (response.status === 200 && size > 0) await file.truncate(0)
    else if (response.status !== 200 && response.status !== 206) {
      discard(response)
      if (response.status !== 416) throw refused(url, response.status)
      await file.truncate(0)
      return false
    }
    let left = wanted.size - (response.status === 206 ? size : 0)
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      left -= chunk.byteLength
      if (left < 0) throw failed(url, `it has more than ${wanted.size} bytes`)
      await writing(own, () => file.appendFile(chunk))
      onBytes?.(chunk.byteLength)
    }
    return left === 0
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof ShaleError || isErrno(error, 'ENOSPC', 'EDQUOT', 'EFBIG')) throw error
    return false
  } finally {
    await file.close()
  }
}

async function measure(path: string): Promise<{ readonly size: number; readonly sha256: string }> {
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    hash.update(chunk)
    size += chunk.byteLength
  }
  return { size, sha256: hash.digest('hex') }
}

async function reach(
  send: Transport,
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): Promise<HttpResponse> {
  try {
    return await send({ method: 'GET', url, headers: { 'accept-encoding': 'identity', ...headers }, signal })
  } catch (error) {
    if (!(error instanceof ShaleError)) throw error
    throw failed(url, error.message.replace(/^cannot reach \S+: /, ''), error)
  }
}

function refused(url: URL, status: number): ShaleError {
  return failed(url, `the server says ${status}`)
}

function failed(url: URL, why: string, cause?: unknown): ShaleError {
  return new ShaleError('DOWNLOAD_FAILED', `cannot get ${displayUrl(url)}: ${why}`, { cause })
}

function allFailed({ what }: KnownFile, failures: readonly unknown[]): ShaleError {
  const lines = failures.map(error => (error as Error).message)
  return new ShaleError('DOWNLOAD_FAILED', `no mirror gives ${what}: ${lines.join('; ')}`, { cause: failures[0] })
}

function refuseOffline(url: URL, env: FetchOptions['env']): void {
  if (!/^(?:1|true|yes)$/i.test(env.SHALE_OFFLINE ?? '')) return
  throw new ShaleError('OFFLINE', `cannot get ${displayUrl(url)}: --offline keeps from using the network`)
}
