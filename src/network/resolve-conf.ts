import { DNS_ADDRESS, type DnsOptions } from './options.ts'

/**
 * A container's /etc/resolv.conf: this machine's with what was asked for in its place. With `forwarded` servers of the
 * loopback interface, which is another one in the container, are asked through {@link DNS_ADDRESS}.
 * Source: resolv.conf(5).
 */
export function resolveConf(host: string, asked: DnsOptions | undefined, forwarded: boolean): string {
  const lines = host.split('\n')
  const last = (name: string): readonly string[] => {
    const found = lines.map(line => line.trim().split(/\s+/)).findLast(([first]) => first === name)
    return found?.slice(1) ?? []
  }
  const own = servers(host)
  if (asked === undefined && !(forwarded && own.some(isLoopback))) return host
  const reachable = own.map(server => (forwarded && isLoopback(server) ? DNS_ADDRESS : server))
  const chosen = asked !== undefined && asked.servers.length > 0 ? asked.servers : [...new Set(reachable)]
  const search = asked !== undefined && asked.search.length > 0 ? asked.search : last('search')
  const options = asked !== undefined && asked.options.length > 0 ? asked.options : last('options')
  return [
    ...chosen.map(server => `nameserver ${server}`),
    ...(search.length === 0 || search.join() === '.' ? [] : [`search ${search.join(' ')}`]),
    ...(options.length === 0 ? [] : [`options ${options.join(' ')}`]),
    '',
  ].join('\n')
}

/** Whether a server of /etc/resolv.conf is one that only this machine can ask. */
export function hasLoopbackServer(host: string): boolean {
  return servers(host).some(isLoopback)
}

function servers(host: string): readonly string[] {
  return host.split('\n').flatMap(line => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? [])
}

function isLoopback(server: string): boolean {
  return server.startsWith('127.') || server === '::1'
}
