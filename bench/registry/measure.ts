import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { mustRun } from '../../scripts/bases/process.ts'
import { type Digest, sha256 } from '../../src/oci/digest.ts'
import { MediaType } from '../../src/oci/media-types.ts'
import { connect, type Send } from '../../src/registry/server/testing-server.ts'
import { runInPeerRoot } from '../../test/peers/root.ts'

export interface Blob {
  readonly path: string
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
}

/** What is moved: blobs of random bytes. */
export async function makeBlobs(folder: string, count: number, megabytes: number): Promise<readonly Blob[]> {
  return await Promise.all(
    Array.from({ length: count }, async (_, number) => {
      const path = join(folder, `blob-${number}`)
      const size = megabytes * 1_000_000
      await mustRun('sh', ['-c', `head -c ${size} /dev/urandom > "$1"`, 'sh', path])
      const hash = createHash('sha256')
      for await (const chunk of createReadStream(path)) hash.update(chunk)
      return { path, digest: `sha256:${hash.digest('hex')}` as Digest, size }
    }),
  )
}

const REQUESTS = 20_000
const CONNECTIONS = 16

/** Manifest GETs of a tag and of a digest per second, by ab over kept connections, after as many to warm up. */
export async function manifestsPerSecond(url: string): Promise<{ readonly tag: number; readonly digest: number }> {
  const { send, close } = connect(url)
  const manifest = await pushImage(send, url)
  close()
  await ab(`${url}/v2/app/manifests/1`)
  return { tag: await ab(`${url}/v2/app/manifests/1`), digest: await ab(`${url}/v2/app/manifests/${manifest}`) }
}

async function ab(url: string): Promise<number> {
  const options = ['-k', '-q', '-c', String(CONNECTIONS), '-H', `Accept: ${MediaType.ociManifest}`]
  const { stdout } = await runInPeerRoot(['ab', ...options, '-n', String(REQUESTS), url])
  if (!/^Failed requests:\s+0$/m.test(stdout) || /^Non-2xx/m.test(stdout)) throw new Error(`ab ${url}: ${stdout}`)
  return Number(/^Requests per second:\s+([\d.]+)/m.exec(stdout)?.[1])
}

/** An image of six layers, by POST and PUT, which both know. */
async function pushImage(send: Send, url: string): Promise<Digest> {
  const put = async (content: string) => {
    const digest = sha256(content)
    const { headers } = await send('POST', '/v2/app/blobs/uploads/')
    const { pathname, search } = uploadUrl(headers.location, url, digest)
    await expect(await send('PUT', pathname + search, { body: content }), 201)
    return { digest, size: content.length }
  }
  const layers = []
  for (let number = 0; number < 6; number++) {
    layers.push({ mediaType: MediaType.ociLayerGzip, ...(await put(`layer ${number}`)) })
  }
  const config = { mediaType: MediaType.ociConfig, ...(await put('{}')) }
  const body = JSON.stringify({ schemaVersion: 2, mediaType: MediaType.ociManifest, config, layers })
  const headers = { 'Content-Type': MediaType.ociManifest }
  await expect(await send('PUT', '/v2/app/manifests/1', { headers, body }), 201)
  return sha256(body)
}

function uploadUrl(location: string | undefined, url: string, digest: string): URL {
  const target = new URL(location ?? '', url)
  target.searchParams.set('digest', digest)
  return target
}

async function expect({ status, body }: { readonly status: number; readonly body: Buffer }, wanted: number) {
  if (status !== wanted) throw new Error(`HTTP ${status}: ${body}`)
}

/** Megabytes per second of blobs that curl sends, all at once, each in one PUT. */
export async function uploadRate(url: string, blobs: readonly Blob[]): Promise<number> {
  const { send, close } = connect(url)
  const targets = await Promise.all(
    blobs.map(async ({ digest }) => {
      const { headers } = await send('POST', '/v2/app/blobs/uploads/')
      return uploadUrl(headers.location, url, digest).href
    }),
  )
  close()
  return await rate(blobs, ({ path }, at) => [
    '-T',
    path,
    '-H',
    'Content-Type: application/octet-stream',
    targets[at] ?? '',
  ])
}

/** Megabytes per second of blobs that curl gets, all at once. */
export async function downloadRate(url: string, blobs: readonly Blob[]): Promise<number> {
  return await rate(blobs, ({ digest }) => ['-o', '/dev/null', `${url}/v2/app/blobs/${digest}`])
}

async function rate(blobs: readonly Blob[], args: (blob: Blob, at: number) => readonly string[]): Promise<number> {
  const start = performance.now()
  await Promise.all(blobs.map((blob, at) => mustRun('curl', ['-sSf', ...args(blob, at)])))
  const seconds = (performance.now() - start) / 1000
  return blobs.reduce((sum, { size }) => sum + size, 0) / 1e6 / seconds
}
