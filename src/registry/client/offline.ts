import { ShaleError } from '../../error.ts'
import type { HttpRequest, Transport } from './http.ts'
import { nameOfHost } from './origin.ts'

/** The transport of someone who must not touch the network: throws `OFFLINE` and names what was wanted from there. */
export const refuseOffline: Transport = async request => {
  throw new ShaleError('OFFLINE', `${wanted(request)} is not in the store, and --offline keeps from fetching it`, {
    hint: 'fetch it with the network first, or go without --offline (SHALE_OFFLINE)',
  })
}

function wanted({ url }: HttpRequest): string {
  const registry = nameOfHost(url.host)
  const [, repository, kind, reference = ''] =
    /^\/v2\/(.+?)\/(manifests|blobs|tags|referrers)\/(.*)$/.exec(url.pathname) ?? []
  if (repository === undefined) return `what the registry ${registry} says`
  const name = `${registry}/${repository}`
  if (kind === 'tags') return `the list of tags of ${name}`
  const exact = reference.includes(':')
  return kind === 'manifests' && !exact ? `${name}:${reference}` : `${name}@${reference.replace('uploads/', '')}`
}
