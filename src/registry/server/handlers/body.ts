import type { RegistryRequest } from '../http/message.ts'

/** A body in memory, of at most `limit` bytes. */
export async function readWhole(request: RegistryRequest, limit: number): Promise<Buffer | 'too-large'> {
  if ((contentLength(request) ?? 0) > limit) return 'too-large'
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body) {
    size += chunk.byteLength
    if (size > limit) return 'too-large'
    chunks.push(Uint8Array.from(chunk))
  }
  return Buffer.concat(chunks, size)
}

/** Undefined when the body comes in chunks of unknown number. */
export function contentLength(request: RegistryRequest): number | undefined {
  const text = request.header('content-length')
  return text === undefined ? undefined : Number(text)
}

export function hasBody(request: RegistryRequest): boolean {
  return (contentLength(request) ?? 0) > 0 || request.header('transfer-encoding') !== undefined
}
