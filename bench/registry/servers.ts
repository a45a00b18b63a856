import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRegistry } from '../../test/peers/registry.ts'
import { startServe } from '../../test/registry/server-process.ts'

/** A registry under test, empty. */
export interface Server {
  /** `http://127.0.0.1:PORT` */
  readonly url: string
  readonly stop: () => Promise<unknown>
}

export type ServerName = 'shale' | 'docker-registry'

/** In the order of the table; both write a line for each request, and acknowledge a blob after fsync. */
export const SERVERS: Readonly<Record<ServerName, () => Promise<Server>>> = {
  async shale() {
    const folder = await mkdtemp(join(tmpdir(), 'shale-bench-registry-'))
    const { url, stop } = await startServe(join(folder, 'store'))
    return { url, stop: () => stop().finally(() => rm(folder, { recursive: true, force: true })) }
  },
  async 'docker-registry'() {
    const { host, stop } = await startRegistry()
    return { url: `http://${host}`, stop }
  },
}
