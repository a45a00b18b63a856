import { readFileSync, statSync } from 'node:fs'
import { posix } from 'node:path'
import type { SecretMount } from '../../dockerfile/mount.ts'
import { isErrno, ShaleError } from '../../error.ts'
import type { RunMount } from '../../sandbox/run-request.ts'
import type { BuildSecret } from '../options.ts'

/** As BuildKit bounds it, in bytes. */
const LARGEST = 500 * 1024

/** A secret's value; undefined when the build was given none and the step does without. */
export function readSecret(secrets: readonly BuildSecret[], { id, required }: SecretMount): Buffer | undefined {
  const secret = secrets.find(each => each.id === id)
  if (secret === undefined) {
    if (!required) return undefined
    throw new ShaleError(
      'SECRET_NOT_FOUND',
      `secret ${id}: not found: the step requires it, and the build was given none`,
      {
        hint: `build with --secret id=${id},src=FILE or --secret id=${id},env=VARIABLE`,
      },
    )
  }
  const value = 'file' in secret ? readFile(id, secret.file) : Buffer.from(secret.value as Uint8Array)
  if (value.length > LARGEST) throw tooLarge(id, value.length)
  return value
}

function readFile(id: string, path: string): Buffer {
  try {
    const { size } = statSync(path)
    if (size > LARGEST) throw tooLarge(id, size)
    return readFileSync(path)
  } catch (cause) {
    if (!isErrno(cause)) throw cause
    const why = cause.code === 'ENOENT' ? 'no such file' : cause.message
    throw new ShaleError('SECRET_UNREADABLE', `secret ${id}: cannot read ${path}: ${why}`, { cause })
  }
}

function tooLarge(id: string, size: number): ShaleError {
  return new ShaleError('SECRET_TOO_LARGE', `secret ${id} has ${size} bytes, more than the limit of ${LARGEST}`)
}

/** The file that holds it, in memory only; none where the step wants just a variable. */
export function secretMounts(
  { id, env, uid = 0, gid = 0, mode = 0o400 }: SecretMount,
  target: string,
  content: Buffer,
): readonly RunMount[] {
  if (target === '' && env !== undefined) return []
  const path = target === '' ? posix.join('/run/secrets', posix.basename(id)) : target
  return [{ kind: 'file', target: path, content, mode, uid, gid }]
}
