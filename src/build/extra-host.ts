import { isIP } from 'node:net'
import { ShaleError } from '../error.ts'

/** A further line of /etc/hosts. */
export interface ExtraHost {
  readonly name: string
  readonly address: string
}

/** docker's name for the machine; on its network, which is the one there is, the machine is this. */
const HOST_GATEWAY = 'host-gateway'
const LOOPBACK = '127.0.0.1'

/** Reads `name:address` or `name=address`, as `--add-host` takes it. Throws `INVALID_HOST`. */
export function parseExtraHost(text: string): ExtraHost {
  const [, name, given] = /^([^:=\s]+)[:=](.+)$/.exec(text) ?? []
  if (name === undefined || given === undefined) throw invalid(`bad format for add-host: ${JSON.stringify(text)}`)
  const address = given === HOST_GATEWAY ? LOOPBACK : given.replace(/^\[(.*)\]$/, '$1')
  if (isIP(address) === 0) throw invalid(`invalid IP address in add-host: ${JSON.stringify(given)}`)
  return { name, address }
}

function invalid(message: string): ShaleError {
  return new ShaleError('INVALID_HOST', message, {
    hint: 'write name:address, such as db:10.0.0.5 or db:host-gateway',
    exitCode: 125,
  })
}
