import { ShaleError } from '../error.ts'

const HUB = new Set(['', 'docker.io', 'index.docker.io', 'registry-1.docker.io', 'registry.hub.docker.com'])

/**
 * A registry as people name it (`docker.io`, `https://registry.example.com/v2/`) by the name that it has in image names.
 * Throws `INVALID_REGISTRY`.
 */
export function registryName(text: string): string {
  const host = text.replace(/^https?:\/\//, '').replace(/\/.*$/s, '')
  if (HUB.has(host)) return 'docker.io'
  if (/^(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::\d{1,5})?$/.test(host)) return host
  throw new ShaleError('INVALID_REGISTRY', `${JSON.stringify(text)} is no registry's name`, {
    hint: 'name the host, and the port if it is not 443: registry.example.com:5000',
  })
}
