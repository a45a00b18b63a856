import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { isIP } from 'node:net'

/** A certificate and its key, PEM. */
export interface Certified {
  readonly cert: string
  readonly key: string
}

export interface Authority extends Certified {
  /** A certificate for a server or a client, signed by this authority. */
  issue(name: string, hosts?: readonly string[]): Certified
}

/** A certificate authority of its own, valid for a day. */
export function makeAuthority(name: string): Authority {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const own = certify({ subject: name, issuer: name, key: pair.publicKey, signer: pair.privateKey, authority: true })
  return {
    cert: own,
    key: pem(pair.privateKey),
    issue(subject, hosts = []) {
      const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const cert = certify({ subject, issuer: name, key: publicKey, signer: pair.privateKey, authority: false, hosts })
      return { cert, key: pem(privateKey) }
    },
  }
}

function pem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

interface Request {
  readonly subject: string
  readonly issuer: string
  readonly key: KeyObject
  readonly signer: KeyObject
  readonly authority: boolean
  readonly hosts?: readonly string[]
}

const DAY = 24 * 60 * 60 * 1000
let serial = Date.now()

/** Source: RFC 5280, "Basic Certificate Fields". */
function certify({ subject, issuer, key, signer, authority, hosts = [] }: Request): string {
  const algorithm = sequence(OID.ecdsaWithSha256)
  const extensions = [
    sequence(OID.basicConstraints, TRUE, octets(authority ? sequence(TRUE) : sequence())),
    ...(hosts.length === 0 ? [] : [sequence(OID.subjectAltName, octets(sequence(...hosts.map(generalName))))]),
  ]
  const tbs = sequence(
    tagged(0xa0, integer(2)),
    integer(serial++),
    algorithm,
    distinguishedName(issuer),
    sequence(time(Date.now() - DAY), time(Date.now() + DAY)),
    distinguishedName(subject),
    key.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...extensions)),
  )
  const signature = Buffer.concat([Buffer.from([0]), sign('sha256', tbs, signer)])
  const der = sequence(tbs, algorithm, tagged(0x03, signature))
  return `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replace(/.{64}/g, '$&\n').trim()}\n-----END CERTIFICATE-----\n`
}

const OID = {
  ecdsaWithSha256: tagged(0x06, Buffer.from('2a8648ce3d040302', 'hex')),
  commonName: tagged(0x06, Buffer.from('550403', 'hex')),
  basicConstraints: tagged(0x06, Buffer.from('551d13', 'hex')),
  subjectAltName: tagged(0x06, Buffer.from('551d11', 'hex')),
}
const TRUE = tagged(0x01, Buffer.from([0xff]))

function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts))
}

function octets(content: Buffer): Buffer {
  return tagged(0x04, content)
}

function integer(value: number): Buffer {
  const hex = value.toString(16)
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
  return tagged(0x02, (bytes[0] ?? 0) > 0x7f ? Buffer.concat([Buffer.from([0]), bytes]) : bytes)
}

function time(at: number): Buffer {
  const text = new Date(at).toISOString().replace(/[-:T]|\.\d+/g, '')
  return tagged(0x17, Buffer.from(text.slice(2)))
}

function distinguishedName(name: string): Buffer {
  return sequence(tagged(0x31, sequence(OID.commonName, tagged(0x0c, Buffer.from(name)))))
}

function generalName(host: string): Buffer {
  if (isIP(host) !== 4) return tagged(0x82, Buffer.from(host))
  return tagged(0x87, Buffer.from(host.split('.').map(Number)))
}
