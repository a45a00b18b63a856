import { lookup } from 'node:dns/promises'
import { ShaleError } from '../error.ts'
import { dockerCredentials } from '../registry/client/credentials.ts'
import {
  type DockerConfig,
  dockerConfigFile,
  HUB,
  helperOf,
  hostOf,
  readDockerConfig,
} from '../registry/client/docker-config.ts'
import { verifyLogin } from '../registry/client/login.ts'
import { createRegistryClient, type RegistryClient } from '../registry/client/registry.ts'
import type { Check, DoctorRequest } from './check.ts'
import { findProgram } from './programs.ts'

const HUB_HOST = 'registry-1.docker.io'
/** So long is waited for an answer, in ms. */
const PATIENCE = 5000

export async function checkDns({ offline, env }: DoctorRequest): Promise<readonly Check[]> {
  const name = 'dns'
  if (offline) return [{ name, status: 'absent', message: 'not asked: --offline' }]
  try {
    await within(lookup(HUB_HOST))
    return [{ name, status: 'ok', message: `${HUB_HOST} has an address` }]
  } catch (error) {
    const proxy = env.HTTPS_PROXY ?? env.https_proxy
    if (proxy) return [{ name, status: 'ok', message: `names are left to the proxy ${hostOf(proxy)}` }]
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    const message = `${HUB_HOST} has no address (${why}): pull and push work with names that are known here only`
    const advice = 'see /etc/resolv.conf; behind a proxy set HTTPS_PROXY'
    return [{ name, status: 'limited', message, advice }]
  }
}

/** Every registry that somebody has logged in to. */
export async function checkLogins(request: DoctorRequest): Promise<readonly Check[]> {
  const env = { ...request.env }
  const file = dockerConfigFile(env)
  let config: DockerConfig
  try {
    config = await readDockerConfig(file)
  } catch (error) {
    if (!(error instanceof ShaleError)) throw error
    return [{ name: 'log-ins', status: 'limited', message: error.message, advice: error.hint }]
  }
  const registries = new Set([...Object.keys(config.auths ?? {}), ...Object.keys(config.credHelpers ?? {})].map(nameOf))
  if (registries.size === 0) return [{ name: 'log-ins', status: 'absent', message: `none in ${file}` }]
  const client = createRegistryClient({ env })
  try {
    return await Promise.all([...registries].map(registry => checkLogin(request, client, config, registry)))
  } finally {
    client.close()
  }
}

function nameOf(key: string): string {
  return key === HUB ? 'docker.io' : hostOf(key)
}

async function checkLogin(
  { env, offline, signal }: DoctorRequest,
  client: RegistryClient,
  config: DockerConfig,
  registry: string,
): Promise<Check> {
  const name = `log-in ${registry}`
  const helper = helperOf(config, registry)
  if (helper !== undefined && findProgram(`docker-credential-${helper}`, env) === undefined) {
    const message = `its password is with docker-credential-${helper}, which is not installed`
    return { name, status: 'limited', message, advice: `install it, or log in again: shale login ${registry}` }
  }
  try {
    const credential = await dockerCredentials({ ...env }).get(registry)
    if (credential === undefined) {
      return { name, status: 'limited', message: 'nothing is kept for it', advice: `shale login ${registry}` }
    }
    if (offline) return { name, status: 'ok', message: 'kept; not tried: --offline' }
    await within(verifyLogin(client, registry, credential, AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)])))
    return { name, status: 'ok', message: 'the registry takes it' }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { name, status: 'limited', message, advice: `log in again: shale login ${registry}` }
  }
}

async function within<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${PATIENCE / 1000} s`)), PATIENCE)
  })
  return await Promise.race([work, late]).finally(() => clearTimeout(timer))
}
