import { open } from 'node:fs/promises'
import { ShaleError } from '../error.ts'

/** One member of an ar archive: where its bytes are in the file. */
export interface ArMember {
  readonly name: string
  /** Of the first byte. */
  readonly offset: number
  /** Bytes. */
  readonly size: number
}

const MAGIC = '!<arch>\n'
const HEADER = 60
/** A package has three members. */
const MOST_MEMBERS = 16

/** The members of an ar archive, as a Debian package is one. Throws `PACKAGE_INVALID`. Source: deb(5). */
export async function readArMembers(path: string, what: string): Promise<readonly ArMember[]> {
  const invalid = (why: string) => new ShaleError('PACKAGE_INVALID', `${what} is no Debian package: ${why}`)
  const file = await open(path, 'r')
  try {
    const { size: total } = await file.stat()
    const read = async (at: number, length: number): Promise<string> => {
      const buffer = Buffer.alloc(length)
      const { bytesRead } = await file.read(buffer, 0, length, at)
      return buffer.toString('latin1', 0, bytesRead)
    }
    if ((await read(0, MAGIC.length)) !== MAGIC) throw invalid('it does not begin as one')
    const members: ArMember[] = []
    for (let at = MAGIC.length; at < total; ) {
      const header = await read(at, HEADER)
      const size = /^\d+ *$/.test(header.slice(48, 58)) ? Number(header.slice(48, 58)) : -1
      if (header.length < HEADER || !header.endsWith('`\n') || size < 0) throw invalid(`damaged at byte ${at}`)
      const offset = at + HEADER
      if (offset + size > total) throw invalid('it ends too early')
      members.push({ name: header.slice(0, 16).trimEnd().replace(/\/$/, ''), offset, size })
      if (members.length > MOST_MEMBERS) throw invalid('it has too many members')
      at = offset + size + (size % 2)
    }
    return members
  } finally {
    await file.close()
  }
}
