import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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

/** Debian's docker-registry on a free loopback port, empty; with `login` it asks for Basic credentials. */
export async function startRegistry(login?: Login): Promise<Registry> {
  const folder = await mkdtemp(join(tmpdir(), 'shale-registry-'))
  const host = `127.0.0.1:${await freePort()}`
  const remove = () => rm(folder, { recursive: true, force: true })
  try {
    await mkdir(join(folder, 'data'))
    if (login !== undefined) await writePassword(join(folder, 'htpasswd'), login)
    await writeFile(join(folder, 'config.yml'), config(host, folder, login !== undefined))
    const isReady = async () => [200, 401].includes((await fetch(`http://${host}/v2/`)).status)
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

function config(host: string, folder: string, withLogin: boolean): string {
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
${withLogin ? auth : ''}`
}
