const BINARY = ['', 'k', 'm', 'g', 't']
const MILLISECONDS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `4MB`, `10GB`, `512` in bytes, in units of 1024 as docker reads them; undefined when it is no size. */
export function parseSize(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d{1,12}) ?([kmgt]?)i?b?$/i.exec(text) ?? []
  return number === undefined ? undefined : Number(number) * 1024 ** BINARY.indexOf(unit.toLowerCase())
}

/** `90s`, `10m`, `6h`, `7d` in milliseconds; undefined when it is no time. */
export function parseDuration(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  return number === undefined ? undefined : Number(number) * (MILLISECONDS[unit] ?? 0)
}

/** `127.0.0.1:5000`, `[::1]:5000`, `:5000` for every address, `5000` for loopback. */
export function parseAddress(text: string): { readonly host: string | undefined; readonly port: number } | undefined {
  const [, six, four, port] = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]]*)):)?(\d{1,5})$/.exec(text) ?? []
  if (port === undefined || Number(port) > 65535) return undefined
  if (six === undefined && four === undefined) return { host: '127.0.0.1', port: Number(port) }
  const host = six ?? four
  return { host: host === '' ? undefined : host, port: Number(port) }
}
