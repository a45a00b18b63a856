import { isIP } from 'node:net'
import { ShaleError } from '../error.ts'
import { HOST_GATEWAY } from '../sandbox/run-request.ts'

/** A further line of /etc/hosts. */
export interface ExtraHost {
  readonly name: string
  /** An address, or {@link HOST_GATEWAY}. */
  readonly address: string
}

/** Reads `name:address` or `name=address`, as `--add-host` takes it. Throws `INVALID_HOST`. */
export function parseExtraHost(text: string): ExtraHost {
  const [, name, given] = /^([^:=\s]+)[:=](.+)$/.exec(text) ?? []
  if (name === undefined || given === undefined) throw invalid(`bad format for add-host: ${JSON.stringify(text)}`)
  if (given === HOST_GATEWAY) return { name, address: given }
  const address = given.replace(/^\[(.*)\]$/, '$1')
  if (isIP(address) === 0) throw invalid(`invalid IP address in add-host: ${JSON.stringify(given)}`)
  return { name, address }
}

function invalid(message: string): ShaleError {
  return new ShaleError('INVALID_HOST', message, {
    hint: 'write name:address, such as db:10.0.0.5 or db:host-gateway',
    exitCode: 125,
  })
}
