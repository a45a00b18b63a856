import { ShaleError } from '../error.ts'

export function notThere(archive: string, path: string): ShaleError {
  return new ShaleError('ARCHIVE_INCOMPLETE', `${archive} lacks ${JSON.stringify(path)}`, {
    hint: 'the archive was cut short or not made as a whole image',
  })
}

export function tooLarge(archive: string, path: string, size: number, limit: number): ShaleError {
  return new ShaleError('DOCUMENT_TOO_LARGE', `${archive}: ${path} has ${size} bytes, more than ${limit}`)
}
