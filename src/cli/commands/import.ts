import { createReadStream } from 'node:fs'
import { importFiles } from '../../container/import.ts'
import { isErrno, ShaleError } from '../../error.ts'
import { hostPlatform, parsePlatform } from '../../oci/platform.ts'
import { formatReference, parseReference } from '../../oci/reference.ts'
import { command } from '../command.ts'
import { list, text } from '../flag.ts'

export default command({
  usage: '[OPTIONS] FILE|- [REPOSITORY[:TAG]]',
  about:
    'Make an image of one layer from a tar archive of files, such as export writes; compressed ones too. `-` reads the\n' +
    'standard input.',
  examples: [
    ['import files.tar myapp:flat', 'all files in one layer'],
    ['import -c \'CMD ["myapp"]\' -m "flat" - myapp:flat < files.tar.gz', 'with what to run'],
  ],
  args: { min: 1, max: 2 },
  flags: {
    change: list('A line of a Dockerfile that says how to run it', { short: 'c', placeholder: 'line' }),
    message: text('What it is for, in its history', { short: 'm', placeholder: 'text' }),
    platform: text("For this platform instead of the host's", { placeholder: 'os/arch' }),
  },
  async run(context, { args: [from = '', image], flags }) {
    const reference = image === undefined ? undefined : parseReference(image)
    if (reference?.digest !== undefined) {
      throw new ShaleError('INVALID_TAG', `refusing to create a tag with a digest reference: ${image}`)
    }
    if (/^https?:\/\//.test(from)) {
      throw new ShaleError('ADDRESS_NOT_READ', `cannot import ${from}: it is an address`, {
        hint: `fetch it first: curl -fsSL ${from} | shale import -`,
      })
    }
    if (from === '-' && process.stdin.isTTY) {
      throw new ShaleError('NO_INPUT', 'requested import from stdin, but stdin is a terminal')
    }
    const source = from === '-' ? process.stdin : fileBytes(from)
    const digest = await importFiles(await context.store(), source, {
      from,
      names: reference === undefined ? [] : [formatReference(reference)],
      platform: flags.platform === undefined ? hostPlatform() : parsePlatform(flags.platform),
      changes: flags.change,
      message: flags.message,
    })
    context.out.write(`${digest}\n`)
    return 0
  },
})

async function* fileBytes(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path, { highWaterMark: 256 * 1024 })
  } catch (cause) {
    if (!isErrno(cause, 'ENOENT', 'EACCES', 'ENOTDIR', 'EISDIR')) throw cause
    const why =
      cause.code === 'EISDIR' ? 'it is a folder' : cause.code === 'EACCES' ? 'permission denied' : 'no such file'
    throw new ShaleError('ARCHIVE_UNREADABLE', `cannot read ${path}: ${why}`, { cause })
  }
}
