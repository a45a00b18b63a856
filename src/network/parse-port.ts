import { isIP } from 'node:net'
import { ShaleError } from '../error.ts'
import type { PortRequest, Protocol } from './options.ts'

/**
 * Reads `-p`: `[[address:]host:]container[/protocol]`, ports as numbers or ranges. Throws `INVALID_PORT`.
 * Source: https://docs.docker.com/engine/network/#published-ports
 */
export function parsePublish(text: string): readonly PortRequest[] {
  const { words, protocol } = split(text)
  const containerText = words.at(-1) ?? ''
  const hostText = words.at(-2) ?? ''
  const address = addressOf(words.slice(0, -2).join(':'), text)
  const container = range(containerText, text, 'containerPort')
  const host = hostText === '' ? undefined : range(hostText, text, 'hostPort')
  const count = container[1] - container[0]
  const hostCount = host === undefined ? count : host[1] - host[0]
  if (host !== undefined && hostCount !== count && count !== 0) {
    throw invalid(`invalid ranges specified for container and host Ports: ${containerText} and ${hostText}`, text)
  }
  return Array.from({ length: count + 1 }, (_, at): PortRequest => {
    const hostPorts: PortRequest['hostPorts'] =
      host === undefined || host[0] === 0 ? undefined : count === 0 ? host : [host[0] + at, host[0] + at]
    return { address, hostPorts, containerPort: container[0] + at, protocol }
  })
}

/** Reads `80`, `80/udp`, `8000-8010/tcp`, as EXPOSE and `--expose` have it. Throws `INVALID_PORT`. */
export function parseExposed(text: string): readonly PortRequest[] {
  const { words, protocol } = split(text)
  if (words.length !== 1) throw invalid(`invalid port format for --expose: ${text}`, text)
  const [first, last] = range(words[0] as string, text, 'containerPort')
  return Array.from({ length: last - first + 1 }, (_, at) => ({ containerPort: first + at, protocol }))
}

function split(text: string): { readonly words: readonly string[]; readonly protocol: Protocol } {
  const [ports = '', protocol = 'tcp', ...more] = text.split('/')
  const name = protocol.toLowerCase()
  if (more.length > 0 || (name !== 'tcp' && name !== 'udp')) {
    const hint = name === 'sctp' ? 'Shale carries TCP and UDP' : undefined
    throw invalid(`invalid proto: ${protocol}`, text, hint)
  }
  // The colons of an address in brackets are its own.
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(ports)
  if (bracketed === null) return { words: ports.split(':'), protocol: name }
  const [, address = '', rest = ''] = bracketed
  const words = rest.split(':')
  return { words: [address, ...(words.length === 1 ? ['', ...words] : words)], protocol: name }
}

function addressOf(word: string, text: string): string | undefined {
  if (word === '') return undefined
  if (isIP(word) === 0) throw invalid(`invalid IP address: ${word}`, text)
  return word
}

function range(word: string, text: string, what: 'containerPort' | 'hostPort'): readonly [number, number] {
  if (word === '') throw invalid(`no port specified: ${text}<empty>`, text)
  const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(word) ?? []
  const ends = [Number(first), Number(last)] as const
  const lowest = what === 'hostPort' ? 0 : 1
  if (first === undefined || ends[0] < lowest || ends[1] > 65_535 || ends[0] > ends[1]) {
    throw invalid(`invalid ${what}: ${word}`, text)
  }
  return ends
}

function invalid(message: string, text: string, hint?: string): ShaleError {
  const given = message.includes(text) ? message : `${message} (in ${JSON.stringify(text)})`
  return new ShaleError('INVALID_PORT', given, {
    hint: hint ?? 'write [[address:]host port:]container port[/tcp|/udp], such as 8080:80 or 127.0.0.1:5353:53/udp',
    exitCode: 125,
  })
}
