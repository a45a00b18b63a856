import { createHash, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Content } from '../layer/content.ts'
import type { Deb } from './deb.ts'

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/**
 * The certificates of a ca-certificates package in one file, as `update-ca-certificates` makes it in a fresh
 * installation: all of `usr/share/ca-certificates`, by path.
 */
export function certificateBundle({ contents }: Deb): string {
  const paths = [...contents.keys()].filter(path => /^usr\/share\/ca-certificates\/.+\.crt$/.test(path)).toSorted()
  return paths
    .map(path => textOf(contents.get(path) as Content).trimEnd())
    .map(text => `${text}\n`)
    .join('')
}

function textOf(content: Content): string {
  return (content instanceof Uint8Array ? Buffer.from(content) : readFileSync(content.path)).toString('latin1')
}

const JKS_MAGIC = 0xfeedfeed
const JKS_VERSION = 2
const TRUSTED = 2
/** What Java's own store is "protected" with; it holds nothing secret. */
const PASSWORD = 'changeit'
const WHITENER = 'Mighty Aphrodite'

/**
 * The same certificates as a key store of Java (JKS), which `ca-certificates-java` has a Java program write. `date` is
 * what it notes of each certificate, in milliseconds since 1970. Format: sun.security.provider.JavaKeyStore of OpenJDK.
 */
export function javaKeyStore(bundle: string, date: number): Buffer {
  const certificates = new Map<string, Buffer>()
  for (const [pem] of bundle.matchAll(PEM)) {
    const { raw } = new X509Certificate(pem)
    certificates.set(`debian:${createHash('sha256').update(raw).digest('hex').slice(0, 32)}`, raw)
  }
  const head = Buffer.alloc(12)
  head.writeUInt32BE(JKS_MAGIC, 0)
  head.writeUInt32BE(JKS_VERSION, 4)
  head.writeUInt32BE(certificates.size, 8)
  const entries = [...certificates].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(entry => keyStoreEntry(entry, date))
  const body = Buffer.concat([head, ...entries])
  const password = Buffer.from(PASSWORD, 'utf16le').swap16()
  const digest = createHash('sha1').update(password).update(WHITENER).update(body).digest()
  return Buffer.concat([body, digest])
}

function keyStoreEntry([alias, raw]: readonly [string, Buffer], date: number): Buffer {
  const tag = Buffer.alloc(4)
  tag.writeUInt32BE(TRUSTED)
  const time = Buffer.alloc(8)
  time.writeBigInt64BE(BigInt(date))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(raw.byteLength)
  return Buffer.concat([tag, javaText(alias), time, javaText('X.509'), length, raw])
}

function javaText(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  const length = Buffer.alloc(2)
  length.writeUInt16BE(bytes.byteLength)
  return Buffer.concat([length, bytes])
}
