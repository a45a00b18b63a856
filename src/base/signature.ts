import { readFile } from 'node:fs/promises'
import type { Key } from 'openpgp'
import { isErrno, ShaleError } from '../error.ts'

/** Whom a repository's releases are believed. */
export interface Trust {
  /** Files with OpenPGP keys, binary or armoured. */
  readonly keyrings: readonly string[]
  /** Fingerprints in upper-case hex: only these keys count. None: every key of the files. */
  readonly fingerprints: readonly string[]
}

/** Largest signed file and keyring that are read, in bytes. */
const LIMIT = 32 * 1024 * 1024

/**
 * The text of a clear-signed file (InRelease) of which at least one signature is good and by a trusted key; what stands
 * outside of the signed part is not given. Throws `SIGNATURE_INVALID`, `KEYRING_MISSING`, `KEYRING_INVALID`.
 */
export async function verifyClearSigned(bytes: Uint8Array, where: string, trust: Trust): Promise<string> {
  const openpgp = await import('openpgp')
  const verificationKeys = await trustedKeys(openpgp, trust)
  const message = await openpgp
    .readCleartextMessage({ cleartextMessage: Buffer.from(bytes).toString('utf8') })
    .catch((cause: unknown) => {
      throw invalid(where, 'it is not signed as it should be', cause)
    })
  const { signatures } = await openpgp.verify({ message, verificationKeys })
  const failures: Error[] = []
  for (const signature of signatures) {
    try {
      await signature.verified
      return message.getText()
    } catch (error) {
      const key = signature.keyID.toHex().toUpperCase()
      failures.push(new Error(`key ${key}: ${(error as Error).message}`, { cause: error }))
    }
  }
  const why = failures.length === 0 ? 'it has no signature' : failures.map(({ message: text }) => text).join('; ')
  throw invalid(where, `no signature by a trusted key is good: ${why}`, failures[0])
}

type OpenPgp = typeof import('openpgp')

async function trustedKeys(openpgp: OpenPgp, { keyrings, fingerprints }: Trust): Promise<Key[]> {
  const keys = (await Promise.all(keyrings.map(path => readKeyring(openpgp, path)))).flat()
  if (fingerprints.length === 0) return keys
  const pinned = keys.filter(key => fingerprintsOf(key).some(one => fingerprints.includes(one)))
  if (pinned.length > 0) return pinned
  throw new ShaleError('KEYRING_INVALID', `no key of ${keyrings.join(', ')} has the fingerprint ${fingerprints[0]}`, {
    hint: 'gpg --show-keys FILE prints the fingerprints of a keyring',
  })
}

function fingerprintsOf(key: Key): readonly string[] {
  return key.getKeys().map(one => one.getFingerprint().toUpperCase())
}

async function readKeyring(openpgp: OpenPgp, path: string): Promise<readonly Key[]> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    if (!isErrno(cause, 'ENOENT')) throw cause
    throw new ShaleError('KEYRING_MISSING', `there is no keyring ${path}`, { cause })
  })
  if (bytes.byteLength > LIMIT) throw new ShaleError('KEYRING_INVALID', `${path} is too large for a keyring`)
  try {
    const text = bytes.toString('latin1')
    const armoured = text.includes('-----BEGIN PGP PUBLIC KEY BLOCK-----')
    return armoured ? await openpgp.readKeys({ armoredKeys: text }) : await openpgp.readKeys({ binaryKeys: bytes })
  } catch (cause) {
    throw new ShaleError('KEYRING_INVALID', `${path} is no keyring of OpenPGP: ${(cause as Error).message}`, { cause })
  }
}

function invalid(where: string, why: string, cause: unknown): ShaleError {
  return new ShaleError('SIGNATURE_INVALID', `cannot trust ${where}: ${why}`, {
    cause,
    hint: 'name the keyring of this archive with --keyring; if it is the right one, somebody may have changed the file',
  })
}
