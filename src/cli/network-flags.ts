import { ShaleError } from '../error.ts'
import type { NetworkMode, NetworkOptions } from '../network/options.ts'
import { boolean, type FlagValues, list, text } from './flag.ts'

/** docker's flags for a container's network. */
export const networkFlags = {
  dns: list('Name server, in place of this machine’s', { placeholder: 'address' }),
  dnsOption: list('Option for /etc/resolv.conf', { placeholder: 'option' }),
  dnsOpt: list('', { hidden: true }),
  dnsSearch: list('Domain to look names up in; . for none', { placeholder: 'domain' }),
  expose: list('Port to publish with -P, besides the image’s', { placeholder: 'port[/proto]' }),
  network: text('Network: private (default where pasta is installed), host or none', { placeholder: 'mode' }),
  net: text('', { hidden: true }),
  publish: list('Port of the container to publish on this machine', {
    short: 'p',
    placeholder: '[[address:]port:]port[/proto]',
  }),
  publishAll: boolean('Publish every exposed port, each on a free one', { short: 'P' }),
}

const MODES: Readonly<Record<string, NetworkMode>> = {
  default: 'default',
  bridge: 'private',
  private: 'private',
  pasta: 'private',
  host: 'host',
  none: 'none',
}

/** What the flags amount to. Throws `INVALID_NETWORK`, `INVALID_DNS`, `INVALID_PORT`. */
export async function networkOf(flags: FlagValues<typeof networkFlags>): Promise<NetworkOptions> {
  const { dns, dnsSearch } = flags
  const dnsOptions = [...flags.dnsOption, ...flags.dnsOpt]
  const asked = dns.length + dnsSearch.length + dnsOptions.length > 0
  if (asked) await checkDns(dns)
  const { publish, publishAll, expose } = flags
  // Most containers publish nothing.
  const ports = publish.length + expose.length > 0 ? await import('../network/parse-port.ts') : undefined
  for (const port of expose) ports?.parseExposed(port)
  return {
    mode: modeOf(flags.network ?? flags.net ?? 'default'),
    publish: ports === undefined ? [] : publish.flatMap(ports.parsePublish),
    publishAll,
    expose,
    ...(asked && { dns: { servers: dns, search: dnsSearch, options: dnsOptions } }),
  }
}

function modeOf(word: string): NetworkMode {
  const mode = MODES[word]
  if (mode !== undefined) return mode
  const what = word.startsWith('container:')
    ? 'the network of another container is not part of Shale yet'
    : `network ${word} not found`
  throw new ShaleError('INVALID_NETWORK', what, {
    hint: 'networks are private (or bridge), host and none',
    exitCode: 125,
  })
}

async function checkDns(servers: readonly string[]): Promise<void> {
  const { isIP } = await import('node:net')
  const wrong = servers.find(server => isIP(server) === 0)
  if (wrong === undefined) return
  throw new ShaleError('INVALID_DNS', `${wrong} is not an ip address`, { exitCode: 125 })
}

/** Whether settings of the network would be this machine's. */
export async function onHostNetwork(options: NetworkOptions): Promise<boolean> {
  const { usesHostNetwork } = await import('../network/plan.ts')
  return usesHostNetwork(options)
}
