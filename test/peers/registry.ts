import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import * as http from 'node:http'
import * as https from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Certified } from '../support/certificate.ts'
import { freePort } from '../support/port.ts'
import { runInPeerRoot } from './root.ts'
import { startServer } from './server.ts'

export interface Login {
  readonly user: string
  readonly password: string
}

export interface Registry {
  /** `127.0.0.1:PORT`, as it stands in front of an image's name. */
  readonly host: string
  readonly stop: () => Promise<void>
  readonly log: () => string
}

/** A registry's certificate; with an authority for clients it wants one of them, such as the one given. */
export interface RegistryTls extends Certified {
  readonly clients?: { readonly authority: string; readonly client: Certified } | undefined
}

/** Debian's docker-registry on a free loopback port, empty; with `login` it asks for Basic credentials. */
export async function startRegistry(login?: Login, tls?: RegistryTls): Promise<Registry> {
  const folder = await mkdtemp(join(tmpdir(), 'shale-registry-'))
  const host = `127.0.0.1:${await freePort()}`
  const remove = () => rm(folder, { recursive: true, force: true })
  try {
    await mkdir(join(folder, 'data'))
    if (login !== undefined) await writePassword(join(folder, 'htpasswd'), login)
    await writeFile(join(folder, 'config.yml'), config(host, folder, { withLogin: login !== undefined, tls }))
    if (tls !== undefined) await writeTls(folder, tls)
    const isReady = async () => [200, 401].includes(await statusOf(host, tls))
    const binds = [{ host: folder, inner: folder }]
    const server = await startServer(['docker-registry', 'serve', `${folder}/config.yml`], isReady, { binds })
    return { host, log: server.log, stop: () => server.stop().finally(remove) }
  } catch (error) {
    await remove()
    throw error
  }
}

async function writePassword(file: string, login: Login): Promise<void> {
  const made = await runInPeerRoot(['htpasswd', '-Bbn', login.user, login.password])
  await writeFile(file, made.stdout)
}

async function writeTls(folder: string, { cert, key, clients }: RegistryTls): Promise<void> {
  await writeFile(join(folder, 'server.pem'), cert)
  await writeFile(join(folder, 'server.key'), key)
  if (clients !== undefined) await writeFile(join(folder, 'clients.pem'), clients.authority)
}

function statusOf(host: string, tls: RegistryTls | undefined): Promise<number> {
  const url = `${tls === undefined ? 'http' : 'https'}://${host}/v2/`
  const options = tls === undefined ? {} : { rejectUnauthorized: false, agent: false, ...tls.clients?.client }
  return new Promise((resolve, reject) => {
    const request = (tls === undefined ? http : https).get(url, options, response => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    request.on('error', reject)
  })
}

interface Settings {
  readonly withLogin: boolean
  readonly tls: RegistryTls | undefined
}

function config(host: string, folder: string, { withLogin, tls }: Settings): string {
  const clients = tls?.clients === undefined ? '' : `    clientcas: [${folder}/clients.pem]\n`
  const certificate = `  tls:
    certificate: ${folder}/server.pem
    key: ${folder}/server.key
${clients}`
  const auth = `auth:
  htpasswd:
    realm: shale-test
    path: ${folder}/htpasswd
`
  return `version: 0.1
log:
  level: info
storage:
  filesystem:
    rootdirectory: ${folder}/data
  delete:
    enabled: true
http:
  addr: ${host}
${tls === undefined ? '' : certificate}${withLogin ? auth : ''}`
}
